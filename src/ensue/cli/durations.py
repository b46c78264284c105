"""Durations as arguments."""

import click

from ensue.model.values import parse_duration


class Duration(click.ParamType[str]):
    """`30s`, `5m`, `1h30m`; stays text, so that it can be passed on."""

    name = "duration"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            parse_duration(value)
        except ValueError as error:
            self.fail(f"{value} is {error}", param, ctx)
        return value


DURATION = Duration()
