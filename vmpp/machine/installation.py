"""What a machine with a state knows when it boots: its users, its past, and what time it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vmpp.engine import SECOND
from vmpp.machine.kept_policies import KeptPolicies
from vmpp.machine.state import State
from vmpp.process.calls import LATEST
from vmpp.service.account_store import AccountError, AccountStore
from vmpp.service.accounting import Accounting
from vmpp.service.filesystem import Tree
from vmpp.service.filesystem.stripe_pool import StripePool
from vmpp.service.homes import Homes
from vmpp.service.log import EventLog
from vmpp.service.passwords import CHEAP, HashCost, Passwords


@dataclass(frozen=True, slots=True)
class Installation:
    """A state that is open.

    Virtual time goes on from boot to boot: a boot begins at the next whole second after the latest
    time that accounting or the log has, and at 0 when that is the `LATEST` that can be told. The
    numbers of jobs go on, too.

    Attributes:
        state: where all of it is kept.
        store: users, groups and public keys.
        passwords: hashes passwords, at little cost if nothing is kept.
        accounting: the jobs that there have been.
        log: what has happened.
        tree: the machine's files.
        homes: where users have theirs.
        policies: what has been chosen for all boots to come.
        epoch: virtual time at which this boot begins, ps.
        last_job: the highest number of a job that there has been; 0: none.
    """

    state: State
    store: AccountStore
    passwords: Passwords
    accounting: Accounting
    log: EventLog
    tree: Tree
    homes: Homes
    policies: KeptPolicies
    epoch: int
    last_job: int

    @classmethod
    @contextmanager
    def open(
        cls,
        state: State,
        *,
        programs: Mapping[str, Path],
        host: str,
        cost: HashCost | None = None,
        pool: StripePool | None = None,
    ) -> Iterator[Installation]:
        """Open a state until the block ends.

        Args:
            programs: what is in ``/images``, by name.
            host: the folder of the host that is at ``/host``, for the user at the console.
            cost: of the hash of a password.
            pool: the I/O nodes that files in ``/pfs`` are striped over; None: there is no ``/pfs``.

        Raises:
            StateError: as `State.open`.
            DatabaseError, KeptPolicyError: what is in it is damaged.
        """
        with ExitStack() as stack:
            stack.enter_context(state.open())
            store = AccountStore(state.database("accounts"), console=state.user)
            stack.enter_context(closing(store))
            accounting = Accounting(state.database("accounting"))
            stack.enter_context(closing(accounting))
            log = EventLog(state.database("log"))
            stack.enter_context(closing(log))
            latest = max(accounting.latest(), log.latest())
            epoch = (latest // SECOND + 1) * SECOND if log.has_events() and latest < LATEST else 0
            accounting.end_all(epoch)
            console = store.credentials(store.console)
            tree = Tree(
                state.tree,
                programs=programs,
                host=host,
                console=console,
                pool=pool,
                stripes=state.striped,
            )
            stack.enter_context(closing(tree))
            homes = Homes(tree)
            for user in ("root", store.console):
                # Root may have given the place to somebody else meanwhile.
                with suppress(AccountError):
                    homes.make(store.credentials(user), epoch)
            passwords = Passwords(cost if cost or state.keeps else CHEAP)
            last = accounting.highest()
            policies = KeptPolicies(state.policies)
            yield cls(state, store, passwords, accounting, log, tree, homes, policies, epoch, last)
