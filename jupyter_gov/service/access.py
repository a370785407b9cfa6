"""Who may answer a gate; the gate service asks here before it shows an answer as possible and before it takes one.

In embedded mode the database is a file of the person who runs it, so the local user has every role and the other
services ask nobody. What still holds are the rules of a gate itself: an assigned gate is answered only by the people it
is assigned to. Roles by namespace for every service come with the issue that gives teams a server of their own.
"""

from __future__ import annotations

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.approval import Approval
from jupyter_gov.errors import AccessError


class Access:
    """The access rules of an embedded installation: those of its gates."""

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

    def check_named(self, actor: Actor, what: str) -> None:
        """Refuse to nobody in particular what goes on record as a person's act, such as rewriting an end.

        Raises
        ------
        AccessError
            ``GOV342``.
        """
        if actor.assurance is Assurance.ANONYMOUS:
            raise AccessError(
                f"{what} needs a named person, and this server does not know your name",
                code="GOV342",
                hint="Use the command line on the machine, or a server that names its users.",
            )
