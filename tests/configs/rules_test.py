#!/usr/bin/env python3
"""Rules and alerts for Prometheus: what they are called and say, that each has a
page in the runbooks, and that it fires when it should and not otherwise.

usage: rules_test.py SOURCE_DIR
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "tests" / "deploy"))
import metrics_page  # noqa: E402
import promql  # noqa: E402
import skips  # noqa: E402

PROMETHEUS = ROOT / "configs" / "prometheus"
try:
    import yaml
except ImportError:
    yaml = None
needs_yaml = unittest.skipUnless(yaml, "SKIPPED: there is no python3-yaml")
needs_promtool = unittest.skipUnless(shutil.which("promtool"),
                                     "SKIPPED: there is no promtool")


def rules(file):
    groups = yaml.safe_load((PROMETHEUS / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], capture_output=True,
                            text=True)
    return result.returncode, result.stdout + result.stderr


def runbooks():
    """The sections of each page, by the anchor that a browser gives it."""
    text = (ROOT / "docs" / "runbooks.md").read_text()
    pages = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    return {title.lower().replace(" ", "-"):
            re.findall(r"^\*\*(\w+)\.\*\*", body, flags=re.MULTILINE)
            for title, body in zip(pages[::2], pages[1::2])}


@needs_yaml
class RulesTest(unittest.TestCase):
    def test_each_alert_says_what_people_need(self):
        pages = runbooks()
        alerts = rules("taud_alerts.yml")
        self.assertGreater(len(alerts), 20)
        names = [alert["alert"] for alert in alerts]
        self.assertEqual(len(names), len(set(names)))
        for alert in alerts:
            name = alert["alert"]
            self.assertRegex(name, r"^Taud([A-Z][a-z]+)+$")
            self.assertIn(alert["labels"]["severity"],
                          ("critical", "warning", "info"), name)
            annotations = alert["annotations"]
            self.assertEqual(set(annotations),
                             {"summary", "description", "runbook_url"}, name)
            self.assertRegex(annotations["summary"], r"^[^{]+\.$", name)
            self.assertIn("$labels.instance", annotations["description"], name)
            page, _, anchor = annotations["runbook_url"].partition("#")
            self.assertTrue((ROOT / page).is_file(), name)
            self.assertEqual(anchor, name.lower())
            self.assertEqual(
                pages.get(anchor),
                ["Meaning", "Impact", "Diagnosis", "Mitigation"], name)
        self.assertEqual(set(pages), {name.lower() for name in names},
                         "a page for each alert, and no other")

    def test_each_recording_is_named_after_what_it_keeps(self):
        for rule in rules("taud_recording.yml"):
            self.assertRegex(rule["record"],
                             r"^[a-z_]+:taud_[a-z0-9_]+:[a-z0-9_]+$")

    def test_all_that_is_asked_for_exists(self):
        known = set(metrics_page.documented(ROOT)) | {"up"}
        known |= {rule["record"] for rule in rules("taud_recording.yml")}
        histograms = metrics_page.histograms(ROOT)
        for file in ("taud_recording.yml", "taud_alerts.yml"):
            for rule in rules(file):
                asked = {promql.base_name(m, histograms)
                         for m in promql.metrics(rule["expr"])}
                self.assertTrue(asked)
                self.assertLessEqual(asked, known, rule)

    def test_each_alert_is_tested_both_ways(self):
        fires, quiet = set(), set()
        for file in ("alerts_fire_test.yml", "alerts_quiet_test.yml"):
            cases = yaml.safe_load((PROMETHEUS / "tests" / file).read_text())
            for case in cases["tests"]:
                for check in case["alert_rule_test"]:
                    (fires if check["exp_alerts"] else quiet).add(
                        check["alertname"])
        names = {alert["alert"] for alert in rules("taud_alerts.yml")}
        self.assertEqual(fires, names)
        self.assertEqual(quiet, names)


@needs_promtool
class PromtoolTest(unittest.TestCase):
    def check(self, *arguments):
        code, said = promtool(*arguments)
        self.assertEqual(code, 0, said)
        self.assertNotIn("FAILED", said)

    def test_rules_are_well_formed(self):
        self.check("check", "rules", *sorted(PROMETHEUS.glob("taud_*.yml")))

    def test_the_configuration_is_taken(self):
        self.check("check", "config", PROMETHEUS / "prometheus.yml")

    def test_alerts_fire_and_stay_quiet(self):
        self.check("test", "rules",
                   *sorted((PROMETHEUS / "tests").glob("*_test.yml")))


if __name__ == "__main__":
    skips.main()
