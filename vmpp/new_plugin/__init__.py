"""Writing new plugins: packages to start from, one kind of plugin each.

``vmpp new-plugin pct my_policy`` writes a package that installs, registers, keeps the rules of its
interface (`vmpp.testing`) and is listed by ``vmpp plugins``: what is to be changed is what it does.
"""

from vmpp.new_plugin.kinds import KINDS, PluginKind
from vmpp.new_plugin.writing import NewPluginError, write

__all__ = ["KINDS", "NewPluginError", "PluginKind", "write"]
