"""Who may do what; every service method asks here before it does anything.

In embedded mode the database is a file of the person who runs it, so the local user has every role; what still holds
are the rules of a gate itself: an assigned gate is answered only by the people it is assigned to.
"""

from __future__ import annotations

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import Approval


class Access:
    """Access rules of an embedded installation."""

    def may_decide(self, actor: Actor, approval: Approval) -> str | None:
        """Return why the actor may not answer this gate, or None if she may."""
        assignment = approval.assignment
        if not assignment:
            return None
        if actor.assurance is Assurance.ANONYMOUS:
            return "this gate is assigned to named people, and this server does not know your name"
        if actor.id in assignment.users or actor.groups & assignment.groups:
            return None
        people = [f"user {name}" for name in sorted(assignment.users)]
        people += [f"group {name}" for name in sorted(assignment.groups)]
        return f"this gate is assigned to {', '.join(people)}; you are {actor.id}"
