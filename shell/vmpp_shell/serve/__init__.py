"""``vmpp serve``: one machine for many people, who log in over SSH."""
