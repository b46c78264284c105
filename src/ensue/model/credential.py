"""Credential: a typed named object with secret data."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from ensue.model.definition import Compat, Metadata, SecretKey, Strict

CredentialKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,252}$")]


class CredentialValue(Strict):
    """One value, or where it is taken from when it is used. Exactly one key."""

    value: str | None = None
    """The value itself; anyone who reads the file reads it."""
    env: str | None = None
    """An environment variable of the server."""
    file: str | None = None
    """A file on the server."""
    secret: SecretKey | None = None
    """A stored secret."""

    @model_validator(mode="after")
    def check_one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.value, self.env, self.file, self.secret)) != 1:
            raise ValueError("write exactly one of value, env, file and secret")
        return self


class CredentialSpec(Strict):
    description: str = ""
    """What the credential is for."""
    type: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")] = "text"
    """What kind it is: text, username-password, ssh, tls, docker, oauth, or a connection type of relay's."""
    data: dict[CredentialKey, CredentialValue] = Field(default_factory=dict)
    """Its values by key."""
    workflows: tuple[str, ...] = ()
    """Patterns of the workflows that may use it; empty allows every workflow of the namespace."""


class Credential(Strict):
    """A typed named object with secret data; relay's Connection is one."""

    api_version: Literal["ensue.dev/v1alpha1"] = "ensue.dev/v1alpha1"
    kind: Literal["Credential"] = "Credential"
    metadata: Metadata
    """What names the credential and describes it."""
    compat: Compat = ""
    """`strict` reproduces quirks of the reference systems."""
    spec: CredentialSpec
    """Its type and values."""
