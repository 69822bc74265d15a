"""Words for altering texts: synonyms that the lexicon does not know, slips, translations, conditions, negations."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence

from runbook.lexicon import load_lexicon
from runbook.lexicon.match import fold, match_name

_LEXICON = load_lexicon()
_LABELS = tuple({
    word: None for table in _LEXICON.labels_file.labels for row in table.rows
    for path in (row.path, *row.aliases) for word in path
})  # fmt: skip
_OPTIONS = tuple({
    option.words: None for table in _LEXICON.labels_file.labels
    for options in (*table.options.values(), *(row.options for row in table.rows)) for option in options
})  # fmt: skip
_PLACES = tuple({
    word: None for place in _LEXICON.places_file.places
    for path in (*place.paths, *place.create, *place.modify, place.commit, place.opens) for word in path
})  # fmt: skip
_KNOWN = (*_LABELS, *_OPTIONS, *_PLACES, *_LEXICON.places_file.buttons.next, *_LEXICON.places_file.buttons.done)
_SYNONYMS: Mapping[str, Sequence[str]] = {
    "spam": ["unwanted mail", "rubbish"], "phishing": ["password theft", "bait mail"], "name": ["caption", "title"],
    "enter": ["type in", "put"], "policy": ["guideline", "ruleset"], "quarantine": ["holding area", "custody"],
    "words": ["expressions", "terms"], "text": ["wording"], "save": ["keep", "store"], "next": ["onwards"],
    "rule": ["directive"], "submit": ["hand in"], "message": ["mail item"], "notification": ["notice"],
    "select": ["designate"], "domain": ["zone"], "apply": ["use"], "finish": ["conclude"], "enable": ["wake"],
}  # fmt: skip
LANGUAGES: Mapping[str, Mapping[str, str]] = {
    "German": {
        "select": "wählen Sie", "choose": "wählen Sie", "set": "setzen Sie", "open": "öffnen Sie",
        "enter": "geben Sie ein", "go to": "gehen Sie zu", "the": "die", "and": "und", "under": "unter", "to": "auf",
        "save": "Speichern", "next": "Weiter", "quarantine": "Quarantäne", "message": "Nachricht",
        "rule": "Regel", "policy": "Richtlinie", "or": "oder", "only": "nur", "nothing else": "sonst nichts",
        "enable": "Aktivieren", "high confidence": "Hohe Sicherheit", "finish": "Fertig stellen",
    },
    "French": {
        "select": "sélectionnez", "choose": "choisissez", "set": "définissez", "open": "ouvrez", "enter": "saisissez",
        "go to": "allez à", "the": "la", "and": "et", "in": "dans", "under": "sous", "to": "à", "save": "Enregistrer",
        "next": "Suivant", "name": "Nom", "spam": "courrier indésirable", "quarantine": "quarantaine",
        "message": "message", "rule": "règle", "policy": "stratégie", "or": "ou", "only": "seulement",
        "nothing else": "rien d'autre", "enable": "Activer", "phishing": "hameçonnage", "finish": "Terminer",
    },
}  # fmt: skip
OPTIONAL = (
    "Optionally, ", "Optional: ", "(Optional) ", "You may also ", "If you like, ", "You can ", "Consider this: ",
    "We recommend that you ", "Not required: ", "Feel free to ", "As an option, ", "Where desired, ",
)  # fmt: skip
CONDITIONS = (
    "If you have licences, ", "When your plan has it, ", "Only if nobody objects, ", "Unless you use a gateway, ",
    "For large companies, ", "In hybrid setups, ", "On older tenants, ", "Provided that it is there, ",
    "Should you need it, ", "With E5 only: ", "Assuming that mail arrives, ", "Depending on your needs, ",
    "In case of trouble, ", "Once a year, ", "Later, ",
)  # fmt: skip
AFTER = (
    "if you want.", "if your plan has it.", "when asked.", "unless told otherwise.", "(only in E5).", "where needed.",
    "- optional.", "(optional).", "in case of doubt.", "for test tenants.",
)  # fmt: skip
OPENERS = (
    "Choose one of the following", "Choose one of these", "Select either", "For example", "Available options",
    "Do one of these things", "Pick what suits you", "Any of", "Examples", "Never do this", "Do not use",
)  # fmt: skip
HEADINGS = (
    "{} (optional)", "Optional: {}", "{} (recommended)", "(Optional) {}", "{} - optional", "{} if you need it",
    "{} (only for hybrid tenants)", "Alternative: {}", "Appendix: {}", "{} (deprecated)", "Troubleshooting: {}",
)  # fmt: skip
PARAGRAPHS = (
    "Do the following only if you have licences.", "If you have no gateway, skip this section.",
    "This section is optional.", "These steps are for hybrid tenants only.", "Do not carry out these steps today:",
    "For example:", "Choose one of the following:", "Previously, people did this:",
)  # fmt: skip
BRACKETS = ("only if you have licences", "do not use these", "optional")
NEGATIONS = (
    "Do not ", "Don't ", "Never ", "Avoid: ", "No longer ", "Instead of this: ", "Formerly: ", "Not: ", "Wrong: ",
    "You must not ", "Undo: ", "Remove this: ", "It is not necessary to ", "Previously, ",
)  # fmt: skip
EXAMPLES = ("For example: ", "For example, ", "E.g. ", "Such as: ", "An example: ", "Example - ", "Say, ", "Imagine: ")


def is_option(text: str) -> bool:
    """Tell whether the lexicon knows a text as an option of a control."""
    return match_name(text, _OPTIONS) is not None


def _new(before: str, after: str) -> str:
    """Give `after`, or `before` if the lexicon would take the new words for something that it knows."""
    known = match_name(after, _KNOWN) is not None or fold(after) in {fold(word) for word in _KNOWN}
    return before if known else after


def synonym(chance: random.Random, text: str) -> str:
    """Put another word for one of the text's words, or one more word."""
    words = text.split(" ")
    spots = [at for at, word in enumerate(words) if word.casefold().strip(",.:") in _SYNONYMS]
    if spots:
        at = chance.choice(spots)
        words[at] = chance.choice(_SYNONYMS[words[at].casefold().strip(",.:")])
    else:
        words.insert(chance.randint(0, len(words)), chance.choice(["general", "own", "new", "basic", "other"]))
    return _new(text, " ".join(words))


def swapped(chance: random.Random, text: str) -> str:
    """Let two neighbouring words change places."""
    words = text.split(" ")
    if len(words) < 2:
        return text
    at = chance.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return _new(text, " ".join(words))


def typo(chance: random.Random, text: str) -> str:
    """Leave out, double or swap a letter, or take the one beside it."""
    spots = [at for at, char in enumerate(text) if char.isalpha()]
    if len(spots) < 2:
        return text
    at = chance.choice(spots)
    new = chance.choice([
        text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:],
        text[: at + 1] + chance.choice("aeinrst") + text[at + 1 :],
        text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :],
    ])  # fmt: skip
    return _new(text, new)


def outside_marks(text: str, change: Callable[[str], str]) -> str:
    """Change the first stretch of words that stands outside of marks and links."""
    parts = re.split(r"(\*\*[^*]+\*\*|`[^`]+`|_[^_]+_|\[[^\]]*\]\([^)]*\)|<[^>]*>)", text)
    for at in range(0, len(parts), 2):
        if len(parts[at].strip()) > 3:
            parts[at] = change(parts[at])
            break
    return "".join(parts)


def translated(text: str, language: str) -> str:
    """Put the words of another language for those that are known, inside labels, too, never inside code."""
    words = LANGUAGES[language]
    pattern = re.compile(rf"\b(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE)
    parts = re.split(r"(`[^`]+`|\]\([^)]*\))", text)
    parts[::2] = [pattern.sub(lambda match: words[match.group().casefold()], part) for part in parts[::2]]
    return "".join(parts)


def other_option(chance: random.Random, text: str) -> str:
    """Give another value of the same sort."""
    if re.fullmatch(r"-?\d+", text):
        return str(chance.choice([n for n in range(10) if str(n) != text]))
    if is_option(text):
        return chance.choice([word for word in _OPTIONS if match_name(text, (word,)) is None])
    return f"{text} two"


def preceded(chance: random.Random, leads: Sequence[str], rest: str) -> str:
    """Put words before a sentence, which then begins with a small letter unless a mark stands there."""
    lead = chance.choice(leads)
    return lead + (rest[:1].lower() + rest[1:] if rest[:1].isalpha() and not lead.endswith((": ", ") ")) else rest)
