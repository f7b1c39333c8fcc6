"""The seventeen rules of Grafana's dashboard-linter, without an exclusion. Each is
a function of a dashboard and gives what is wrong with it, in sentences."""
import re

import promql

SOURCE = ("$datasource", "${datasource}")
# What Grafana knows of its units, as far as ours go; others are a slip.
UNITS = {"none", "short", "percentunit", "percent", "bytes", "s", "ms", "reqps",
         "cps", "ops", "opm", "rps", "dtdurations"}
VISUAL = {"stat", "timeseries", "gauge", "bargauge", "table", "heatmap",
          "statetimeline", "piechart"}
RATES = {"rate", "irate", "increase"}


def panels(dashboard):
    found = []
    for panel in dashboard["panels"]:
        found.append(panel)
        found.extend(panel.get("panels") or [])
    return [p for p in found if p["type"] not in ("row", "text")]


def targets(dashboard):
    for panel in panels(dashboard):
        for target in panel.get("targets") or []:
            yield f"{panel['title']} {target.get('refId')}", target


def expressions(dashboard):
    """Of panels and of annotations."""
    for where, target in targets(dashboard):
        yield where, target.get("expr", "")
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation {annotation['name']}", annotation.get("expr", "")


def uid(source):
    return source.get("uid") if isinstance(source, dict) else source


def variables(dashboard):
    return {v["name"]: v for v in dashboard["templating"]["list"]}


def template_datasource(d):
    sources = [v for v in variables(d).values() if v["type"] == "datasource"]
    if len(sources) != 1:
        return ["there is not exactly one data source to choose"]
    v = sources[0]
    wanted = {"name": "datasource", "label": "Data source",
              "query": "prometheus"}
    return [f"the data source's {k} is {v.get(k)!r}, not {w!r}"
            for k, w in wanted.items() if v.get(k) != w]


def _choice(d, name, label):
    v = variables(d).get(name)
    if v is None:
        return [f"there is no variable {name}"]
    wrong = []
    if v["type"] != "query":
        wrong.append(f"{name} is no query")
    if uid(v.get("datasource")) not in SOURCE:
        wrong.append(f"{name} asks another source")
    for key, wanted in (("label", label), ("multi", True), ("includeAll", True),
                        ("allValue", ".+")):
        if v.get(key) != wanted:
            wrong.append(f"{name}: {key} is {v.get(key)!r}, not {wanted!r}")
    return wrong


def template_job(d):
    return _choice(d, "job", "Job")


def template_instance(d):
    return _choice(d, "instance", "Instance")


def query_of(variable):
    query = variable.get("query")
    return query.get("query", "") if isinstance(query, dict) else query


def template_label_promql(d):
    wrong = []
    for v in variables(d).values():
        if v["type"] != "query":
            continue
        call = re.fullmatch(r"label_values\(((?P<selector>.*),\s*)?(\w+)\)",
                            query_of(v) or "")
        if not call:
            wrong.append(f"{v['name']}: {query_of(v)!r} is no label_values(…)")
        elif call.group("selector") and len(
                promql.selectors(call.group("selector"))) != 1:
            wrong.append(f"{v['name']}: {call.group('selector')!r} is no series")
    return wrong


def template_on_time_change_reload(d):
    return [f"{v['name']} is not asked anew when the time changes"
            for v in variables(d).values()
            if v["type"] == "query" and v.get("refresh") != 2]


def panel_datasource(d):
    wrong = [f"{p['title']} does not use the chosen source" for p in panels(d)
             if uid(p.get("datasource")) not in SOURCE]
    return wrong + [f"{where} does not use the chosen source"
                    for where, t in targets(d)
                    if uid(t.get("datasource")) not in SOURCE]


def panel_title_description(d):
    return [f"panel {n} lacks a title or a description"
            for n, p in enumerate(panels(d))
            if not p.get("title") or not p.get("description")]


def panel_units(d):
    return [f"{p['title']} has the unit "
            f"{p['fieldConfig']['defaults'].get('unit')!r}"
            for p in panels(d) if p["type"] in VISUAL
            and p["fieldConfig"]["defaults"].get("unit") not in UNITS]


def panel_no_targets(d):
    return [f"{p['title']} asks for nothing" for p in panels(d)
            if not p.get("targets")]


def _logs(target):
    source = target.get("datasource")
    return isinstance(source, dict) and source.get("type") == "loki"


def target_logql(d):
    """LogQL is to be valid; we have no logs, so there is to be none."""
    return [f"{where} asks for logs" for where, t in targets(d) if _logs(t)]


def target_logql_auto(d):
    return [f"{where} has a range other than $__auto" for where, t in targets(d)
            if _logs(t) and "[" in t["expr"] and "[$__auto]" not in t["expr"]]


def target_promql(d):
    """promtool reads them whole; here: it asks for something, and closes what it
    opens."""
    wrong = []
    for where, expression in expressions(d):
        if not expression.strip() or not promql.selectors(expression):
            wrong.append(f"{where} asks for no series")
        elif any(expression.count(a) != expression.count(b)
                 for a, b in ("()", "[]", "{}")):
            wrong.append(f"{where} does not close what it opens")
    return wrong


def target_rate_interval(d):
    return [f"{where}: {s.metric}{s.range} is not [$__rate_interval]"
            for where, e in expressions(d) for s in promql.selectors(e)
            if s.range and s.range != "[$__rate_interval]"]


def _matches(d, label):
    wanted = f'{label}=~"${label}"'
    return [f"{where}: {s.metric} lacks {wanted}"
            for where, e in expressions(d) for s in promql.selectors(e)
            if wanted not in s.labels]


def target_job(d):
    return _matches(d, "job")


def target_instance(d):
    return _matches(d, "instance")


def target_counter_agg(d):
    return [f"{where}: {s.metric} is a counter and stands in {s.function!r}"
            for where, e in expressions(d) for s in promql.selectors(e)
            if s.metric.endswith("_total") and s.function not in RATES]


def uneditable_dashboard(d):
    return [] if d.get("editable") is False else ["it can be edited"]


RULES = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template_job,
    "template-instance-rule": template_instance,
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql_auto,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target_job,
    "target-instance-rule": target_instance,
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard-rule": uneditable_dashboard,
}
