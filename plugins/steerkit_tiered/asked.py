"""What a prompt asks for where an answer may look like a fault: repetition, or marks instead of words."""

import re

REPEATING_PROMPT = re.compile(
    r"\brepeat(?:edly|ing)?\b|\b(?:\d+|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w{3,5}teen|\w{3,5}ty|dozen|hundred|thousand|many) times\b(?! table)|"
    r"\bover and over\b|\bagain and again\b|\bbottles of beer\b|\bwiederhol|\brépèt|\brepite|\bripeti|\brepita|повтори|重复|重複|繰り返|반복"
)

# marks and pictures by their kind, or a figure that someone is to make
DRAWING = re.compile(
    r"\b(?:ascii|emoticons?|emojis?|smileys?|morse|braille|punctuation|symbols?|operators?|characters?|pattern|"
    r"brainf\w+|regex|regular expression|draw|kaomoji)\b"
    r"|\b(?:print|show|display|send|give|make|write|create|generate)\b(?:(?!\babout\b)[^.?!\n]){0,30}"
    r"\b(?:chords?|chart|tabs?|tablature|grid|matrix|board|maze|hearts|triangles?|pyramids?|stars|asterisks?)\b",
    re.IGNORECASE,
)
