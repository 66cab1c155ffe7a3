"""Users, teams and members of mailboxes in JSON."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from controlplane.domain.rights import Right, in_order
from controlplane.domain.team import Team
from controlplane.domain.user import Role, User
from controlplane.services.members import Member
from controlplane.services.users import NewUser, UserChanges
from controlplane.web.api.fields import DisplayName, Input, Output, example, left_out

_NEXT = Field(description="`after` of the following page; `null` on the last one.")
_TIMES = {"created_at": "2026-03-02T09:00:00Z", "updated_at": "2026-03-02T09:00:00Z"}
_TEAM_ID = "2f6b8a1d-9c30-4d6a-a0b1-7e5d0c6f3b44"

_UserName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        description="Unique in the installation, in lower case; never changes.",
        examples=["alice"],
    ),
]
_Extension = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{3,64}$",
        description="The number of their extension, by which the phone knows them.",
        examples=["101"],
    ),
]
_PinSpared = Annotated[
    bool, Field(description="Whether mailboxes that they are a member of ask for no PIN at that extension.")
]


class TenantRole(StrEnum):
    """The role of a user of a tenant."""

    TENANT_ADMIN = Role.TENANT_ADMIN.value
    MEMBER = Role.MEMBER.value


_RoleField = Annotated[
    TenantRole,
    Field(
        strict=False, description="An admin may do everything of the tenant, a member what they were given."
    ),
]
_Language = Annotated[
    Literal["de", "en"], Field(description="The language of the portal; `null`: as the browser says.")
]

USER: dict[str, Any] = {
    "user_name": "alice",
    "display_name": "Alice Smith",
    "role": "member",
    "extension": "101",
    "pin_spared": False,
    "language": None,
    "enabled": True,
}


class UserIn(Input):
    """A user to be made; they set their password by a link."""

    model_config = example({"user_name": "alice", "display_name": "Alice Smith", "extension": "101"})

    user_name: _UserName
    display_name: DisplayName
    role: _RoleField = TenantRole.MEMBER
    extension: _Extension | None = None
    pin_spared: _PinSpared = False

    def new_user(self, tenant: str) -> NewUser:
        """Return what the service takes."""
        return NewUser(
            user_name=self.user_name,
            display_name=self.display_name,
            tenant=tenant,
            role=Role(self.role.value),
            extension=self.extension,
            pin_spared=self.pin_spared,
        )


class UserPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"role": "tenant_admin"})

    display_name: DisplayName = left_out()
    role: _RoleField = left_out()
    extension: _Extension | None = left_out("`null`: none.")
    pin_spared: _PinSpared = left_out()
    language: _Language | None = left_out()
    enabled: bool = left_out("`false` signs them out everywhere, and ends their tokens for the time.")

    def changes(self) -> UserChanges:
        """Return what the service takes."""
        sent = self.model_fields_set
        changes = UserChanges()
        if "display_name" in sent:
            changes["display_name"] = self.display_name
        if "role" in sent:
            changes["role"] = Role(self.role.value)
        if "extension" in sent:
            changes["extension"] = self.extension
        if "pin_spared" in sent:
            changes["pin_spared"] = self.pin_spared
        if "language" in sent:
            changes["language"] = self.language
        if "enabled" in sent:
            changes["enabled"] = self.enabled
        return changes


class UserOut(Output):
    """A user of the tenant."""

    model_config = example(
        {**USER, "has_password": True, "created_at": _TIMES["created_at"], "last_signed_in_at": None}
    )

    user_name: str
    display_name: str
    role: TenantRole
    extension: str | None
    pin_spared: bool
    language: str | None
    enabled: bool
    has_password: bool
    created_at: datetime
    last_signed_in_at: datetime | None

    @classmethod
    def of(cls, user: User) -> UserOut:
        """Make it from the service's value."""
        return cls(
            user_name=user.user_name,
            display_name=user.display_name,
            role=TenantRole(user.role.value),
            extension=user.extension,
            pin_spared=user.pin_spared,
            language=user.language,
            enabled=user.enabled,
            has_password=user.has_password,
            created_at=user.created_at,
            last_signed_in_at=user.last_signed_in_at,
        )


class UserPage(Output):
    """Some users, by user name."""

    model_config = example(
        {
            "items": [
                {**USER, "has_password": True, "created_at": _TIMES["created_at"], "last_signed_in_at": None}
            ],
            "next": None,
        }
    )

    items: list[UserOut]
    next: str | None = _NEXT


class UserLink(Output):
    """A link by which a user sets a password, shown this once."""

    model_config = example(
        {"link": "https://voicemail.example.com/portal/link/…", "expires_at": "2026-03-05T09:00:00Z"}
    )

    link: str
    expires_at: datetime


_People = Annotated[
    list[_UserName], Field(max_length=500, description="User names of the tenant.", examples=[["alice"]])
]
_TeamName = Annotated[str, Field(min_length=1, max_length=64, description="Unique in the tenant.")]
TEAM: dict[str, Any] = {"id": _TEAM_ID, "name": "Sales", "people": ["alice", "bob"], **_TIMES}


class TeamIn(Input):
    """A team to be made."""

    model_config = example({"name": "Sales", "people": ["alice", "bob"]})

    name: _TeamName
    people: _People = Field(default_factory=list)


class TeamPatch(Input):
    """What is to change; fields that are left out stay as they are."""

    model_config = example({"people": ["alice"]})

    name: _TeamName = left_out()
    people: _People = left_out()


class TeamOut(Output):
    """A team: people who get rights at mailboxes together."""

    model_config = example(TEAM)

    id: UUID
    name: str
    people: list[str]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, team: Team) -> TeamOut:
        """Make it from the service's value."""
        return cls(
            id=team.id,
            name=team.name,
            people=list(team.people),
            created_at=team.created_at,
            updated_at=team.updated_at,
        )


class TeamPage(Output):
    """Some teams, by name."""

    model_config = example({"items": [TEAM], "next": None})

    items: list[TeamOut]
    next: str | None = _NEXT


_RightsField = Annotated[
    list[Annotated[Right, Field(strict=False)]],
    Field(
        min_length=1,
        max_length=8,
        description="`download` and `delete` bring `listen` along, `manage` brings all.",
        examples=[["listen"]],
    ),
]
MEMBER: dict[str, Any] = {
    "id": "8c1f0a77-4b52-4c0f-9a53-1d2e8f6b7a55",
    "user_name": "alice",
    "team_id": None,
    "name": "Alice Smith",
    "rights": ["listen", "delete"],
    **_TIMES,
}


class MemberIn(Input):
    """A member of a mailbox to be made: `user_name` or `team_id`."""

    model_config = example({"user_name": "alice", "rights": ["delete"]})

    user_name: _UserName | None = None
    team_id: Annotated[UUID, Field(strict=False)] | None = None
    rights: _RightsField


class MemberPatch(Input):
    """Other rights for a member."""

    model_config = example({"rights": ["listen"]})

    rights: _RightsField


class MemberOut(Output):
    """A user or a team, and what they may do with the mailbox."""

    model_config = example(MEMBER)

    id: UUID
    user_name: str | None
    team_id: UUID | None
    name: str
    rights: list[Right]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, member: Member) -> MemberOut:
        """Make it from the service's value."""
        return cls(
            id=member.id,
            user_name=member.user_name,
            team_id=member.team_id,
            name=member.name,
            rights=[Right(name) for name in in_order(member.rights)],
            created_at=member.created_at,
            updated_at=member.updated_at,
        )


class MemberPage(Output):
    """Some members of a mailbox; without any it is open to every extension that knows the PIN."""

    model_config = example({"items": [MEMBER], "next": None})

    items: list[MemberOut]
    next: str | None = _NEXT
