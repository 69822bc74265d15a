"""What the kit promises of its cost beside other ways of doing the same, and how that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measuring import Cost

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("0[1-9]-*.ipynb"))
NAMES = {"kit": "runbook fleet verify", "a": "(a) papermill, typed", "b": "(b) papermill's API", "s": "(s) bare script"}


@dataclass(frozen=True)
class Goal:
    """What the kit promises of a ratio, and where it is promised."""

    text: str
    tenants: int
    latency: float
    reached: Callable[[dict[str, Cost], int], float]
    """Gives the figure from the costs of all ways and the number of sections."""
    limit: float
    at_least: bool = True

    def told(self, costs: dict[str, Cost], tenants: int) -> tuple[str, bool] | None:
        try:
            figure = self.reached(costs, tenants)
        except KeyError:
            return None
        good = figure >= self.limit if self.at_least else figure <= self.limit
        word = "reached" if good else "NOT reached"
        return (
            f"{self.text}: {figure:.2f}, goal {'at least' if self.at_least else 'at most'} {self.limit:g}: {word}",
            good,
        )


def _wall(one: str, other: str) -> Callable[[dict[str, Cost], int], float]:
    return lambda costs, tenants: costs[one].wall_seconds / costs[other].wall_seconds


def _overhead(costs: dict[str, Cost], tenants: int) -> float:
    return (costs["kit"].wall_seconds - costs["s"].wall_seconds) * 1000 / (tenants * len(NOTEBOOKS))


GOALS = (
    Goal("times quicker than (a)", 20, 1, _wall("a", "kit"), 40),
    Goal("times quicker than (b)", 20, 1, _wall("b", "kit"), 20),
    Goal("times the script's time", 20, 1, _wall("kit", "s"), 3.5, at_least=False),
    Goal("milliseconds a section over the script", 20, 1, _overhead, 35, at_least=False),
    Goal("times quicker than (a), cold, one tenant", 1, 1, _wall("a", "kit"), 11),
    Goal("MB a tenant more in flight", 20, 1, lambda costs, tenants: costs["kit"].megabytes_each, 30, at_least=False),
    Goal("times the script's time, all in flight", 20, 300, _wall("kit", "s"), 1.25, at_least=False),
)
