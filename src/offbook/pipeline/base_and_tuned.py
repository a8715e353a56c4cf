"""A character's model without and with its adapter, as the evaluation asks it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from functools import partial

from offbook.core.progress import NullReporter, Reporter
from offbook.core.sharing import Share, alone
from offbook.core.types import Conversation, Reply, Score
from offbook.evaluation import responses
from offbook.generation import batch, decoder, scoring
from offbook.pipeline.character import Character


@dataclass(frozen=True, slots=True)
class BaseAndTuned:
    """A character's model without and with its adapter (the `Models` of `offbook.evaluation.responses`)."""

    character: Character
    max_length: int
    """Tokens that a row may have; longer ones are cut as in training."""
    reporter: Reporter = field(default_factory=NullReporter)
    """Is told how far it is."""
    share: Share = alone
    """Shares the work out over the processes of a run."""

    def score(self, conversations: Sequence[Conversation], *, full_length: bool = False) -> list[Score]:
        """See `responses.Models.score`."""
        template, longest = self.character.template, sys.maxsize if full_length else self.max_length
        return scoring.score(
            self.character.model,
            [template.examples(conversation, longest) for conversation in conversations],
            progress=partial(self.reporter.progress, unit="row"),
            share=self.share,
        )

    def pass_sizes(self, conversations: Sequence[Conversation]) -> list[int]:
        """Tokens of each of the passes that scoring these conversations takes."""
        template = self.character.template
        return scoring.pass_sizes([template.examples(row, self.max_length) for row in conversations])

    def reply(self, prompts: Sequence[responses.Prompt], *sides: bool) -> list[list[Reply]]:
        """See `responses.Models.reply`."""
        ids = [self.character.template.prompt_ids(turns) for turns in prompts]
        if len(sides) == 1:
            return [self._replies(ids, tuned=sides[0], share=self.share)]
        values = self.share(
            len(sides), lambda side: [astuple(reply) for reply in self._replies(ids, tuned=sides[side], share=alone)]
        )
        return [[Reply(*value) for value in replies] for replies in values]

    def _replies(self, prompts: list[list[int]], *, tuned: bool, share: Share) -> list[Reply]:
        character = self.character
        if tuned:
            self.reporter.stage("The tuned model answers the prompts ({count})", count=len(prompts))
        else:
            self.reporter.stage("The base model answers the prompts ({count})", count=len(prompts))
        with decoder.adapter_enabled(character.model, tuned=tuned):
            return batch.generate(
                character.model,
                character.template.tokenizer,
                prompts,
                character.persona.generation,
                character.stop_ids,
                progress=partial(self.reporter.progress, unit="token"),
                share=share,
            )
