"""An answer without the thinking that a server left in its text: pure and total.

Engines part thinking from answers only when they are told how the model marks it, which people forget. What is known:
- a block between two marks at the beginning, or several of them;
- a closing mark alone: many chat templates write the opening one into the prompt, so the model never says it;
- an opening mark alone: the budget ended within the thinking, and nothing was answered;
- the channels of the harmony format, with its special tokens or without them;
- Granite's two sentences. Without the second one the first may be any model's own words, so it then stays;
- marks of a turn's end after the answer, which are taken out, too.
"""

from __future__ import annotations

import re

_NAME = r"(?:think|thinking|thought|thoughts|reasoning|reason|seed:think)"
_OPENING = re.compile(
    rf"\s*(?:<{_NAME}>|\[THINK\]|◁think▷|<\|(?:START_THINKING|begin_of_thought|inner_prefix)\|>|<\|channel>thought)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    rf"</{_NAME}>|\[/THINK\]|◁/think▷|<\|(?:END_THINKING|end_of_thought|inner_suffix)\|>|<channel\|>", re.IGNORECASE
)
_GRANITE = re.compile(r"\s*Here(?:'s| is) my thought process:.*?Here(?:'s| is) my response:", re.DOTALL)
_ENDS_OF_A_TURN = (
    *(f"<|{name}|>" for name in ("im_end", "eot_id", "eom_id", "endoftext", "end_of_text", "end", "return")),
    "<|END_OF_TURN_TOKEN|>",
    "<end_of_turn>",
    "<turn|>",
    "</s>",
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final(?:(?!<\|message\|>).){0,80}<\|message\|>", re.DOTALL)
_CHANNEL = re.compile(r"\s*(?:<\|start\|>\s*assistant\s*)?<\|channel\|>")
_CHANNELS_WITHOUT_MARKS = re.compile(r"\s*analysis(?=\S).*assistantfinal", re.DOTALL)
_END = re.compile(r"<\|(?:end|return|call)\|>")


def without_thinking(text: str) -> str:
    """The answer alone; "" where the text is thinking that does not end."""
    answer = _answer(text)
    end = at = len(answer)
    while at:
        if answer[at - 1].isspace():
            at -= 1
        elif mark := _mark_before(answer, at):
            end = at = at - len(mark)
        else:
            break
    return answer[:end]


def _mark_before(answer: str, at: int) -> str:
    """The mark of a turn's end that ends there, "" where none does."""
    if answer[at - 1] != ">":
        return ""
    return next((each for each in _ENDS_OF_A_TURN if answer.endswith(each, 0, at)), "")


def _answer(text: str) -> str:
    finals = list(_FINAL_CHANNEL.finditer(text))
    if finals:
        return _END.split(text[finals[-1].end() :], maxsplit=1)[0]
    if _CHANNEL.match(text):
        return ""
    if found := _CHANNELS_WITHOUT_MARKS.match(text):
        return text[found.end() :]
    if found := _GRANITE.match(text):
        return text[found.end() :]
    return _without_blocks(text)


def _without_blocks(text: str) -> str:
    if not _OPENING.match(text):
        closings = list(_CLOSING.finditer(text))
        if not closings or _OPENING.search(text, 0, closings[0].start()):
            return text
        text = text[closings[0].end() :]
    while opening := _OPENING.match(text):
        closing = _CLOSING.search(text, opening.end())
        text = text[closing.end() :] if closing else ""
    return text
