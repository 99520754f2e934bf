"""The plugin itself, kept thin: the work is in the modules beside it."""

import logging

from attrs import frozen

from jackfield import Exchange, InvalidRequest, Outcome, Plugin, hookimpl, option

from .words import WordFinder

logger = logging.getLogger(__name__)


class Example(Plugin):
    """Labels requests, and refuses those that contain a forbidden word."""

    @frozen
    class Config:
        """`[plugins.example]`: each option has a default and one line of documentation."""

        label: str = option("example", "The value of the header `x-label` of every answer.")
        forbidden: tuple[str, ...] = option((), "Words that no request may contain, ignoring case.")

    config: Config

    # What happens to a request when a hook fails: "refuse" if safety depends on the plugin,
    # "skip" if the request should go on without it.
    on_error = "refuse"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._words = WordFinder(config.forbidden)

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Runs before routing. To refuse, raise; to answer at once, return a Response."""
        exchange.set_response_header("x-label", self.config.label)
        if any(self._words.found_in(span.value) for span in exchange.texts(tools=True)):
            raise InvalidRequest("The request contains a forbidden word.")

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Runs once, whatever happened. Log numbers and names, never texts or keys."""
        logger.debug("request %s ended as %s", exchange.id, outcome.kind)
