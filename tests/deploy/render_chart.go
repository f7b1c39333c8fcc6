// Renders a Helm chart without Helm: its values, overlaid, go through Go's
// text/template with sprig's functions and the few that Helm adds, which is what
// Helm does. The schema of values, hooks, dependencies and look-ups in a cluster are
// not its business.
//
//	render_chart CHART RELEASE NAMESPACE [VALUES_FILE]...
//
// Needs Debian's golang-go, golang-github-masterminds-sprig-dev and
// golang-k8s-sigs-yaml-dev.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

// What a chart may read of itself.
type chartFiles struct{ root string }

func (f chartFiles) Get(name string) string {
	content, err := os.ReadFile(filepath.Join(f.root, name))
	check(err)
	return string(content)
}

func (f chartFiles) Glob(pattern string) map[string][]byte {
	paths, err := filepath.Glob(filepath.Join(f.root, pattern))
	check(err)
	found := map[string][]byte{}
	for _, path := range paths {
		name, err := filepath.Rel(f.root, path)
		check(err)
		found[name] = []byte(f.Get(name))
	}
	return found
}

func check(err error) {
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "render_chart:", err)
	os.Exit(1)
}

func readYaml(path string) values {
	content, err := os.ReadFile(path)
	check(err)
	read := values{}
	check(yaml.Unmarshal(content, &read))
	return read
}

// Maps are overlaid key by key, everything else is replaced, as Helm does.
func overlay(under, over values) {
	for key, value := range over {
		below, isMap := under[key].(values)
		above, isMapToo := value.(values)
		if isMap && isMapToo {
			overlay(below, above)
		} else {
			under[key] = value
		}
	}
}

func functions(all *template.Template) template.FuncMap {
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	functions["toYaml"] = func(value interface{}) (string, error) {
		out, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(out), "\n"), err
	}
	functions["fromYaml"] = func(text string) (values, error) {
		read := values{}
		return read, yaml.Unmarshal([]byte(text), &read)
	}
	functions["toJson"] = func(value interface{}) (string, error) {
		out, err := json.Marshal(value)
		return string(out), err
	}
	functions["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, errors.New(message)
		}
		return value, nil
	}
	return functions
}

func main() {
	if len(os.Args) < 4 {
		check(errors.New("usage: render_chart CHART RELEASE NAMESPACE [VALUES_FILE]..."))
	}
	root := os.Args[1]
	chart := readYaml(filepath.Join(root, "Chart.yaml"))
	given := readYaml(filepath.Join(root, "values.yaml"))
	for _, path := range os.Args[4:] {
		overlay(given, readYaml(path))
	}
	all := template.New("chart").Option("missingkey=zero")
	all.Funcs(functions(all))
	paths, err := filepath.Glob(filepath.Join(root, "templates", "*"))
	check(err)
	sort.Strings(paths)
	for _, path := range paths {
		content, err := os.ReadFile(path)
		check(err)
		_, err = all.New(filepath.Base(path)).Parse(string(content))
		check(err)
	}
	data := values{
		"Values": given,
		"Chart": values{"Name": chart["name"], "Version": chart["version"],
			"AppVersion": chart["appVersion"]},
		"Release": values{"Name": os.Args[2], "Namespace": os.Args[3], "Service": "Helm"},
		"Files":   chartFiles{root},
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") || !strings.HasSuffix(name, ".yaml") {
			continue
		}
		var out bytes.Buffer
		check(all.ExecuteTemplate(&out, name, data))
		text := strings.Trim(out.String(), "\n")
		if text == "" {
			continue
		}
		fmt.Println("---\n# Source: taud/templates/" + name)
		fmt.Println(strings.TrimPrefix(text, "---\n"))
	}
}
