"""Source type `cron`: tells when it is time, by a cron expression, an interval, or once."""

from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ensue.core import scheduling, ticking
from ensue.core.scheduling import Schedule
from ensue.core.ticking import CatchUp, Policy, Timetable
from ensue.model.definition import Strict
from ensue.model.errors import InvalidInput
from ensue.model.values import Duration, Json, format_duration
from ensue.ports.pulling import Happening, Memory, Pull, SourceStatus

TICK = "dev.ensue.cron.tick.v1"
SECOND = timedelta(seconds=1)
MOST_CAUGHT_UP = 1000


def _check_schedule(text: str) -> str:
    try:
        scheduling.parse(text)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return text


def _check_zone(name: str) -> str:
    try:
        scheduling.parse("@daily", name)
    except InvalidInput as error:
        raise ValueError(str(error)) from None
    return name


class CronSettings(Strict):
    """Exactly one of `schedule`, `every` and `at`."""

    schedule: Annotated[str, AfterValidator(_check_schedule)] | None = None
    """A cron expression of five fields, or six with seconds first, or `@daily` and the like."""
    every: Duration | None = None
    """An interval, as 10m, in whole seconds. The first tick comes one interval after the source was enabled."""
    at: datetime | None = None
    """Once at this time, as 2030-01-31T12:00:00Z, or without a zone in `timezone`."""
    timezone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    """The zone of `schedule` and `at`, as Europe/Berlin."""
    jitter: Duration = timedelta()
    """Each tick is told up to this much later, by an amount that is always the same for one source and time."""
    overlap: Literal["allow", "skip"] = "allow"
    """`skip` leaves a tick out while a run that the one before it started has not ended."""
    catch_up: CatchUp = CatchUp.LAST
    """What becomes of ticks that were missed while no server ran: `none`, the `last`, or `all` of them."""
    catch_up_limit: int = Field(default=100, ge=1, le=MOST_CAUGHT_UP)
    """How many `all` are at most; the latest."""
    starting_deadline: Duration | None = None
    """A tick that could not be told for longer than this is left out."""

    @model_validator(mode="after")
    def check_times(self) -> Self:
        given = [self.schedule, self.every, self.at]
        if sum(each is not None for each in given) != 1:
            raise ValueError("give exactly one of schedule, every and at")
        if self.every is not None and (self.every < SECOND or self.every % SECOND):
            raise ValueError("every is a number of whole seconds, at least 1s")
        period = self.every or scheduling.parse(self.schedule or "@daily").every
        if period is not None and self.jitter > period:
            raise ValueError("jitter is at most the interval")
        if self.starting_deadline is not None and self.starting_deadline < SECOND:
            raise ValueError("startingDeadline is at least 1s")
        return self


class CronSource:
    name: ClassVar[str] = "cron"
    settings: ClassVar[type[Strict]] = CronSettings

    def basis(self, settings: Strict) -> Json:
        assert isinstance(settings, CronSettings)
        every = None if settings.every is None else settings.every.total_seconds()
        at = None if settings.at is None else settings.at.isoformat()
        return [settings.schedule, every, at, settings.timezone]

    async def run(self, pull: Pull) -> None:
        """It remembers up to which scheduled time everything is settled, and tells before it remembers."""
        settings = pull.settings
        assert isinstance(settings, CronSettings)
        now = pull.now().replace(microsecond=0)
        memory = await pull.recall({"since": _text(now), "last": _text(now)})
        ticker = _Ticker(pull, settings, memory)
        while (due_at := ticker.next_due()) is not None:
            await pull.until(due_at)
            await ticker.settle()

    def outlook(self, settings: Strict, memory: Memory, now: datetime, count: int) -> tuple[datetime, ...]:
        assert isinstance(settings, CronSettings)
        last = max(_moment(memory.get("last")) or now, now)
        timetable = _timetable(settings, _moment(memory.get("since")) or now, "")
        return tuple(islice(timetable.after(last), count))


class _Ticker:
    """A source that is at a certain time."""

    def __init__(self, pull: Pull, settings: CronSettings, memory: Memory) -> None:
        self._pull = pull
        self._settings = settings
        self._memory = memory
        since = _moment(memory.get("since")) or pull.now()
        self._last = _moment(memory.get("last")) or since
        self._timetable = _timetable(settings, since, f"{pull.namespace}/{pull.key}")
        self._policy = Policy(
            catch_up=settings.catch_up, limit=settings.catch_up_limit, deadline=settings.starting_deadline
        )
        self._missed = 0

    def next_due(self) -> datetime | None:
        now = self._pull.now()
        if ticking.is_set_back(self._last, now):
            self._last = now
        due_at = ticking.next_due(self._timetable, self._last)
        notes = tuple(str(self._memory[key]) for key in ("skipped",) if key in self._memory)
        self._pull.report(SourceStatus(next_at=due_at, notes=notes))
        return due_at

    async def settle(self) -> None:
        """Tell what is due, each with its own time."""
        due = ticking.due(self._timetable, self._policy, self._last, self._pull.now())
        self._missed += due.missed
        for time in due.ticks:
            if await self._has_room():
                await self._tell(time)
            else:
                told = f"the tick of {_text(time)} was skipped: a run that the one before started had not ended"
                await self._remember(time, skipped=told, skips=self._skips + 1)
        if due.until > self._last:
            await self._remember(due.until)

    async def _has_room(self) -> bool:
        before = self._memory.get("event")
        if self._settings.overlap == "allow" or not isinstance(before, str):
            return True
        return await self._pull.are_runs_over(before)

    async def _tell(self, time: datetime) -> None:
        data = _about(self._settings, self._timetable, time) | {"missed": self._missed, "skipped": self._skips}
        (accepted,) = await self._pull.emit([Happening(type=TICK, id=_text(time), time=time, data=data)])
        self._missed = 0
        await self._remember(time, event=accepted.uid, told=_text(time), skips=0)

    @property
    def _skips(self) -> int:
        skips = self._memory.get("skips")
        return skips if isinstance(skips, int) else 0

    async def _remember(self, last: datetime, **more: Json) -> None:
        self._last = last
        self._memory = {**self._memory, **more, "last": _text(last)}
        await self._pull.remember(self._memory)


def _timetable(settings: CronSettings, anchor: datetime, key: str) -> Timetable:
    at, every = settings.at, settings.every
    schedule: Schedule | None = None
    if every is not None:
        schedule = Schedule(text=f"@every {format_duration(every)}", zone=UTC, every=every)
    elif settings.schedule is not None:
        schedule = scheduling.parse(settings.schedule, settings.timezone)
    if at is not None:
        at = at if at.tzinfo is not None else at.replace(tzinfo=_zone(settings))
    return Timetable(anchor=anchor, schedule=schedule, at=at, jitter=settings.jitter, key=key)


def _zone(settings: CronSettings) -> tzinfo:
    return scheduling.parse(settings.schedule or "@daily", settings.timezone).zone


def _about(settings: CronSettings, timetable: Timetable, time: datetime) -> dict[str, Json]:
    """What the event says besides its time."""
    zone = _zone(settings)
    rule = settings.schedule or (timetable.schedule.text if timetable.schedule is not None else "@at")
    return {
        "scheduledTime": _text(time),
        "localTime": time.astimezone(zone).isoformat(),
        "timezone": str(zone),
        "schedule": rule,
    }


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: Json) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
