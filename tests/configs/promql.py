"""As much of PromQL as our tests need to read: which series an expression asks
for, and what is done with each. The grammar itself is promtool's to check."""
import re
import typing

# A name with its labels, or the labels alone; and a range.
SELECTOR = re.compile(
    r"(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?P<labels>\{[^}]*\})?"
    r"\s*(?P<range>\[[^\]]*\])?")
WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on",
         "ignoring", "group_left", "group_right", "inf", "nan"}


class Selector(typing.NamedTuple):
    metric: str
    labels: str
    range: str
    function: str  # the one that it is the argument of; "": none


def selectors(expression):
    """All of an expression, in order."""
    # Labels in parentheses are no series.
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*"
                  r"\([^)]*\)", " ", expression)
    found = []
    stack = []  # the functions whose parentheses are open
    at = 0
    while at < len(text):
        if text[at] in "\"'":
            at = text.index(text[at], at + 1) + 1
            continue
        if text[at] == "(":
            before = re.search(r"([a-z_0-9]+)\s*$", text[:at])
            stack.append(before.group(1) if before else "")
        elif text[at] == ")":
            stack.pop()
        match = SELECTOR.match(text, at)
        if not match or not re.match(r"[a-zA-Z_:]", text[at]):
            # A number may have letters: 1e9, 5m.
            at += len(re.match(r"[0-9][0-9a-zA-Z.]*|.", text[at:],
                               re.DOTALL).group())
            continue
        at = match.end()
        name = match.group("metric")
        if name.lower() in WORDS or text[at:].lstrip().startswith("("):
            continue
        found.append(Selector(name, match.group("labels") or "",
                              match.group("range") or "",
                              stack[-1] if stack else ""))
    return found


def metrics(expression):
    return {s.metric for s in selectors(expression)}


def base_name(metric, histograms):
    """Of a series of a histogram the histogram's name."""
    for suffix in ("_bucket", "_count", "_sum"):
        if metric.endswith(suffix) and metric[:-len(suffix)] in histograms:
            return metric[:-len(suffix)]
    return metric
