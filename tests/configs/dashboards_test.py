#!/usr/bin/env python3
"""The dashboards for Grafana: the rules of its linter, that every metric is on
one, and that they are what their generator makes.

usage: dashboards_test.py SOURCE_DIR
"""
import copy
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "tests" / "deploy"))
import dashboard_rules  # noqa: E402
import metrics_page  # noqa: E402
import promql  # noqa: E402
import skips  # noqa: E402

GRAFANA = ROOT / "configs" / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text())
              for path in sorted((GRAFANA / "generated").glob("*.json"))}


class RulesTest(unittest.TestCase):
    def test_all_rules_hold_for_all_dashboards(self):
        self.assertEqual(len(dashboard_rules.RULES), 17)
        for uid, dashboard in DASHBOARDS.items():
            for name, rule in dashboard_rules.RULES.items():
                self.assertEqual(rule(dashboard), [], f"{uid}: {name}")

    def test_each_rule_finds_what_breaks_it(self):
        def set_in(*path, value):
            def change(d):
                for key in path[:-1]:
                    d = d[key]
                d[path[-1]] = value
            return change

        panel = 1  # behind the row's title
        target = ("panels", panel, "targets", 0)
        counter = 'rate(taud_a_total{job=~"$job",instance=~"$instance"}[5m])'
        broken = {
            "template-datasource-rule":
                set_in("templating", "list", 0, "name", value="source"),
            "template-job-rule":
                set_in("templating", "list", 1, "multi", value=False),
            "template-instance-rule":
                set_in("templating", "list", 2, "allValue", value=".*"),
            "template-label-promql-rule":
                set_in("templating", "list", 1, "query", value="up"),
            "template-on-time-change-reload-rule":
                set_in("templating", "list", 1, "refresh", value=1),
            "panel-datasource-rule":
                set_in("panels", panel, "datasource", "uid", value="abc"),
            "panel-title-description-rule":
                set_in("panels", panel, "description", value=""),
            "panel-units-rule":
                set_in("panels", panel, "fieldConfig", "defaults", "unit",
                       value=""),
            "panel-no-targets-rule":
                set_in("panels", panel, "targets", value=[]),
            "target-logql-rule":
                set_in(*target, "datasource", value={"type": "loki"}),
            "target-logql-auto-rule":
                set_in(*target, value={"datasource": {"type": "loki"},
                                       "expr": "rate({a=\"b\"}[5m])"}),
            "target-promql-rule":
                set_in(*target, "expr", value="rate(taud_ready{"),
            "target-rate-interval-rule": set_in(*target, "expr", value=counter),
            "target-job-rule":
                set_in(*target, "expr", value='a{instance=~"$instance"}'),
            "target-instance-rule":
                set_in(*target, "expr", value='a{job=~"$job"}'),
            "target-counter-agg-rule":
                set_in(*target, "expr", value=counter.replace("rate", "sum")),
            "uneditable-dashboard-rule": set_in("editable", value=True),
        }
        self.assertEqual(set(broken), set(dashboard_rules.RULES))
        for name, change in broken.items():
            dashboard = copy.deepcopy(DASHBOARDS["taud-overview"])
            change(dashboard)
            self.assertTrue(dashboard_rules.RULES[name](dashboard), name)


class DashboardsTest(unittest.TestCase):
    def test_there_are_six(self):
        self.assertEqual(set(DASHBOARDS), {
            "taud-overview", "taud-learning", "taud-quality", "taud-freshness",
            "taud-serving", "taud-data"})
        for uid, dashboard in DASHBOARDS.items():
            self.assertEqual(dashboard["uid"], uid)

    def test_swaps_rejections_and_roll_backs_are_annotations(self):
        for dashboard in DASHBOARDS.values():
            self.assertEqual(
                [a["name"] for a in dashboard["annotations"]["list"]],
                ["Swaps", "Rejections", "Roll-backs"])

    def test_every_metric_is_on_one_or_is_left_out_with_a_reason(self):
        histograms = metrics_page.histograms(ROOT)
        shown = {promql.base_name(metric, histograms)
                 for dashboard in DASHBOARDS.values()
                 for _, expression in dashboard_rules.expressions(dashboard)
                 for metric in promql.metrics(expression)}
        left_out = json.loads((GRAFANA / "left_out.json").read_text())
        self.assertTrue(all(left_out.values()))
        known = set(metrics_page.documented(ROOT))
        self.assertGreater(len(known), 100)
        self.assertEqual(shown - known, set(), "asked for, and there is none")
        self.assertEqual(shown & set(left_out), set())
        self.assertEqual(known - shown, set(left_out))

    @unittest.skipUnless(shutil.which("promtool"),
                         "SKIPPED: there is no promtool")
    def test_promtool_can_read_every_expression(self):
        rules = [{"record": "a:b:c",
                  "expr": e.replace("$__rate_interval", "5m")}
                 for dashboard in DASHBOARDS.values()
                 for _, e in dashboard_rules.expressions(dashboard)]
        for n, rule in enumerate(rules):
            rule["labels"] = {"number": str(n)}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            # JSON is YAML.
            json.dump({"groups": [{"name": "all", "rules": rules}]}, file)
            file.flush()
            result = subprocess.run(["promtool", "check", "rules", file.name],
                                    capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    @unittest.skipUnless(shutil.which("node")
                         and (GRAFANA / "node_modules").is_dir(),
                         "SKIPPED: no node, or no packages: "
                         "`npm ci` in configs/grafana")
    def test_they_are_what_the_generator_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["node", GRAFANA / "generate.mjs", folder],
                           check=True)
            made = {p.stem: p.read_text()
                    for p in pathlib.Path(folder).glob("*.json")}
        kept = {p.stem: p.read_text()
                for p in (GRAFANA / "generated").glob("*.json")}
        self.assertEqual(made.keys(), kept.keys())
        for uid in made:
            self.assertEqual(made[uid], kept[uid],
                             f"{uid}: `npm run generate` in configs/grafana")


if __name__ == "__main__":
    skips.main()
