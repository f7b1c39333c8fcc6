"""What docs/metrics.md says of each metric."""
import re
import typing


class Documented(typing.NamedTuple):
    type: str
    labels: frozenset


def documented(root):
    found = {}
    for line in (root / "docs" / "metrics.md").read_text().splitlines():
        row = re.match(r"\| `(\w+)` \| (counter|gauge|histogram)(.*?) \|", line)
        if row:
            assert row.group(1) not in found, f"{row.group(1)} is there twice"
            found[row.group(1)] = Documented(
                row.group(2), frozenset(re.findall(r"`(\w+)`", row.group(3))))
    return found


def histograms(root):
    return {name for name, d in documented(root).items()
            if d.type == "histogram"}
