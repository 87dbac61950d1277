"""A route, parsed: which series it wants and what is to be done with them."""

from dataclasses import dataclass

from node.facts.series import SeriesFacts
from node.route.case import Known
from node.route.conditions import Answer, Condition, Matched, NotMatched, Undecidable, ask
from node.route.night import DEFAULT_NIGHT, Night
from node.route.vocabulary import Preference, Priority, Unknown

DEFAULT_MODEL = "default"  # the node's own default model of a task, where one is installed

# for density thin and soft (standards 4.6, RT-PASSED); what cannot be processed at all never wins
DEFAULT_PREFERENCES = (
    Preference.LARGE_ENOUGH,
    Preference.WHOLE,
    Preference.WIDEST,
    Preference.ORIGINAL,
    Preference.DENSITY,
    Preference.THIN,
    Preference.SOFT,
    Preference.UNENHANCED,
    Preference.MORE_SLICES,
)


@dataclass(frozen=True, slots=True)
class Route:
    """One rule. `lungs` and `lesions` name a model, "default", or None where the task is not asked for."""

    name: str
    lungs: str | None = DEFAULT_MODEL
    lesions: str | None = DEFAULT_MODEL
    conditions: tuple[Condition, ...] = ()
    unknown: Unknown = Unknown.LEAVE
    priority: Priority = Priority.NORMAL
    night: Night = DEFAULT_NIGHT
    destinations: tuple[str, ...] | None = None
    prefer: tuple[Preference, ...] = DEFAULT_PREFERENCES
    pet: bool = True
    line: int = 0

    def lung_model(self, known: Known) -> str | None:
        """Return the model of the lungs task, None where it is not asked for or not installed."""
        if self.lungs is None or "lungs" not in known.tasks:
            return None
        return known.lungs if self.lungs == DEFAULT_MODEL else self.lungs

    def lesion_model(self, known: Known) -> str | None:
        """Return the model of the lesions task, None where it is not asked for or not installed."""
        if self.lesions is None or "lesions" not in known.tasks:
            return None
        return known.lesions if self.lesions == DEFAULT_MODEL else self.lesions


@dataclass(frozen=True, slots=True)
class Routes:
    """All rules in their order: a series goes to the first that takes it. `source` is the file's name."""

    routes: tuple[Route, ...]
    source: str

    def __post_init__(self) -> None:
        if len({route.name for route in self.routes}) != len(self.routes):
            raise ValueError("two routes share a name")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A route's answer about one series, with the answer of each condition."""

    route: Route
    answers: tuple[tuple[Condition, Answer], ...]

    @property
    def answer(self) -> Answer:
        """One "no" decides; else one "unknown" leaves it open; else yes."""
        for kind in (NotMatched, Undecidable):
            for _, answer in self.answers:
                if isinstance(answer, kind):
                    return answer
        return Matched("")

    @property
    def takes(self) -> bool:
        """Say whether the route takes the series."""
        if isinstance(self.answer, Undecidable):
            return self.route.unknown is Unknown.TAKE
        return isinstance(self.answer, Matched)

    def __str__(self) -> str:
        """Say in one line why it does or does not apply, without values of headers: the line may reach logs."""
        verdict = "applies" if self.takes else "does not apply"
        telling = [
            _in_words(condition, answer) for condition, answer in self.answers if not isinstance(answer, Matched)
        ]
        return f"route {self.route.name!r} {verdict}" + (f": {'; '.join(telling)}" if telling else "")


def judge(route: Route, series: SeriesFacts, known: Known) -> Judgement:
    """Ask every condition of a route, the decided ones too, so that all can be shown."""
    return Judgement(route, tuple((c, ask(c, series, known)) for c in route.conditions))


def _in_words(condition: Condition, answer: Answer) -> str:
    if isinstance(answer, Undecidable):
        return f"{condition} cannot be decided, {answer.missing} is missing"
    return f"{condition} is wanted, another value is there"
