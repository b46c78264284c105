"""Permission: who may do what with which resources."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ensue.model.definition import Compat, Metadata, Strict
from ensue.model.values import NAME_PATTERN

SUBJECT_PATTERN = r"^(\*|(user|group|token|system|trigger|step):\S{1,250})$"
NAMESPACE_PATTERN = rf"^\*$|{NAME_PATTERN}"
Subject = Annotated[str, StringConstraints(pattern=SUBJECT_PATTERN)]


class Effect(StrEnum):
    ALLOW = "Allow"
    DENY = "Deny"


class PermissionSpec(Strict):
    description: str = ""
    """Why the permission is given or refused."""
    subjects: tuple[Subject, ...] = Field(min_length=1)
    """Who, as `user:ann` or `group:release`."""
    resources: tuple[Annotated[str, StringConstraints(min_length=1, max_length=512)], ...] = Field(min_length=1)
    """What, as `run/*` or `workflow/build`."""
    methods: tuple[Annotated[str, StringConstraints(min_length=1, max_length=64)], ...] = Field(min_length=1)
    """Which verbs: get, list, create, approve…, or `*`."""
    namespaces: tuple[Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN)], ...] = ()
    """Where: its own namespace when empty; others, or all as `*`, are for a server's admin to name."""
    effect: Effect = Effect.ALLOW
    """An explicit Deny beats every Allow; what nothing allows is denied."""


class Permission(Strict):
    """Allows or denies subjects to use methods on resources."""

    api_version: Literal["ensue.dev/v1alpha1"] = "ensue.dev/v1alpha1"
    kind: Literal["Permission"] = "Permission"
    metadata: Metadata
    """What names the permission and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: PermissionSpec
    """Who, what, how, and whether."""
