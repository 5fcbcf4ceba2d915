package runner

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// fileOptions is the options of the entry that runs a deployment file.
type fileOptions struct {
	File string `arg:"" name:"file" placeholder:"FILE" help:"The deployment file."`
}

// Help is what the entry's help says besides its options.
func (*fileOptions) Help() string {
	return `A deployment file is YAML: the runner's options, by their names, and services,
each a plugin with options of its own:

    pidfile: poetry.pid
    services:
      - plugin: fastpoetry
        name: haiku
        options:
          port: 10000
          poem: [haiku.txt]
      - plugin: proxy
        options:
          port: 10001
          origin: [10000]

Values are as on the command line; what may be given there several times takes a
list. Options on the command line win over those of the file. Paths are relative
to the directory that the program is started in, that of the pid file to --rundir.`
}

// The keys of a deployment file besides the runner's options, and those of a
// service in it.
const (
	keyServices = "services"
	keyPlugin   = "plugin"
	keyName     = "name"
	keyOptions  = "options"
)

// readFile reads a deployment file. The runner's options in it become the line's,
// where that has not its own.
func (l *line) readFile(o *fileOptions) (deployment, error) {
	f := &deploymentFile{document: document{o.File}, program: l.program, taken: map[string]bool{}}
	if err := f.load(); err != nil {
		return nil, err
	}
	var both options
	// What comes later wins.
	if _, err := newParser(l.program, &both, l.program.entries()).Parse(append(f.args, l.args...)); err != nil {
		return nil, f.failure(err) // each was right by itself
	}
	l.options = both
	return f.services, nil
}

// deploymentFile is a deployment file that is being read.
//
// Twisted: a tac file, but for being data.
type deploymentFile struct {
	document
	program *Program

	args     []string // the runner's options, as on a command line
	services deployment
	taken    map[string]bool // the names of services
}

// load reads the file.
func (f *deploymentFile) load() error {
	root, err := f.document.load()
	if err != nil {
		return err
	}
	pairs, err := f.pairs(root)
	if err != nil {
		return err
	}
	listed := false
	for _, p := range pairs {
		if p.key == keyServices {
			listed = true
			err = f.readServices(p)
		} else {
			err = f.readOption(p)
		}
		if err != nil {
			return err
		}
	}
	if !listed {
		return f.fault(root, "", errors.New("there are no services: list them under the key "+keyServices))
	}
	return nil
}

// readOption reads one of the runner's options.
func (f *deploymentFile) readOption(p pair) error {
	const file = "FILE"
	parser := newParser(f.program, new(options), []entry{{name: "run", options: new(fileOptions)}})
	args, err := f.arguments(p, "the runner", parser.Model.Node, keyServices)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(append(slices.Clone(args), "run", file)); err != nil {
		return f.fault(p.at, p.key, inFile(err, p.key))
	}
	f.args = append(f.args, args...)
	return nil
}

// readServices reads the list of services.
func (f *deploymentFile) readServices(p pair) error {
	if p.value.Kind != yaml.SequenceNode || len(p.value.Content) == 0 {
		return f.fault(p.at, p.key, errors.New("it takes a list of services, each of which begins with - "+keyPlugin))
	}
	for _, n := range p.value.Content {
		if err := f.readService(n); err != nil {
			return err
		}
	}
	return nil
}

// readService reads one service.
func (f *deploymentFile) readService(n *yaml.Node) error {
	pairs, err := f.pairs(n)
	if err != nil {
		return err
	}
	values := map[string]pair{}
	for _, p := range pairs {
		if p.key != keyPlugin && p.key != keyName && p.key != keyOptions {
			return f.fault(p.at, p.key, fmt.Errorf("a service has no such key, but %s, %s and %s", keyPlugin, keyName, keyOptions))
		}
		values[p.key] = p
	}
	named, ok := values[keyPlugin]
	if !ok {
		return f.fault(n, "", errors.New("the service has no "+keyPlugin))
	}
	plugin, err := f.plugin(named)
	if err != nil {
		return err
	}
	one := deployed{name: f.freeName(plugin.name)}
	if p, ok := values[keyName]; ok {
		if one.name, err = f.text(p); err != nil {
			return err
		}
		if one.name == "" || f.taken[one.name] {
			return f.fault(p.at, p.key, fmt.Errorf("%q is empty, or another's: give each service a name of its own", one.name))
		}
	}
	f.taken[one.name] = true
	u := plugin.use()
	if err := f.readOptions(named, plugin, u.options, values[keyOptions]); err != nil {
		return err
	}
	one.service = u.service
	f.services = append(f.services, one)
	return nil
}

// plugin finds the plugin that a service names.
func (f *deploymentFile) plugin(p pair) (Plugin, error) {
	name, err := f.text(p)
	if err != nil {
		return Plugin{}, err
	}
	var names []string
	for _, plugin := range f.program.Plugins {
		if plugin.name == name {
			return plugin, nil
		}
		names = append(names, plugin.name)
	}
	return Plugin{}, f.fault(p.at, p.key, fmt.Errorf("there is no plugin %q, but %s", name, strings.Join(names, ", ")))
}

// freeName returns the name of a service that has been given none.
func (f *deploymentFile) freeName(plugin string) string {
	name := plugin
	for i := 2; f.taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", plugin, i)
	}
	return name
}

// readOptions parses the options of a service into the plugin's, as a command
// line of its own: one by one, to know the line of an error, and then all.
func (f *deploymentFile) readOptions(service pair, plugin Plugin, into any, list pair) error {
	parser := kong.Must(new(struct{}), kong.Name(f.program.Name), kong.DynamicCommand(plugin.name, plugin.description, "", into))
	model := parser.Model.Children[0]
	var pairs []pair
	if list.value != nil {
		var err error
		if pairs, err = f.pairs(list.value); err != nil {
			return err
		}
	}
	args := []string{plugin.name}
	positional := make([][]string, len(model.Positional))
	for _, p := range pairs {
		own, err := f.arguments(p, plugin.name, model)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(model.Positional, func(v *kong.Value) bool { return v.Name == p.key }); i >= 0 {
			positional[i] = own
			continue
		}
		// Only what is wrong with this one: what is missing shows later.
		if ctx, err := kong.Trace(parser, append([]string{plugin.name}, own...)); err != nil || ctx.Error != nil {
			return f.fault(p.at, p.key, inFile(errors.Join(err, ctx.Error), p.key))
		}
		args = append(args, own...)
	}
	args = append(args, "--")
	args = append(args, slices.Concat(positional...)...)
	_, err := parser.Parse(args)
	if err == nil {
		return nil
	}
	for _, p := range pairs {
		if strings.Contains(err.Error(), "--"+p.key+":") || strings.Contains(err.Error(), "--"+p.key+" ") || strings.Contains(err.Error(), "<"+p.key+">") {
			return f.fault(p.at, p.key, inFile(err, p.key))
		}
	}
	return f.fault(service.at, plugin.name, inFile(err, plugin.name))
}

// arguments returns an option as arguments: a flag with its values, or the values
// of what has no flag. others are keys that are no options.
func (f *deploymentFile) arguments(p pair, whose string, model *kong.Node, others ...string) ([]string, error) {
	names := slices.Clone(others)
	for _, v := range model.Positional {
		names = append(names, v.Name)
		if v.Name == p.key {
			return f.values(p, v)
		}
	}
	for _, flag := range model.Flags {
		if flag.Name == "help" || flag.Hidden {
			continue
		}
		names = append(names, flag.Name)
		if flag.Name != p.key {
			continue
		}
		args, err := f.values(p, flag.Value)
		for i := range args {
			args[i] = "--" + p.key + "=" + args[i]
		}
		return args, err
	}
	return nil, f.fault(p.at, p.key, fmt.Errorf("%s has no such option, but %s", whose, strings.Join(names, ", ")))
}

// values returns the values of an option: one, or as many as it takes.
func (f *deploymentFile) values(p pair, v *kong.Value) ([]string, error) {
	if v.IsSlice() || v.IsMap() {
		return f.texts(p)
	}
	text, err := f.text(p)
	return []string{text}, err
}

// flagPattern is the name of a flag in an error of the command line.
var flagPattern = regexp.MustCompile(`(^|[ "])--([a-z])`)

// inFile returns an error of the command line in the words of a file, behind the
// key that it may begin with.
func inFile(err error, key string) error {
	text := flagPattern.ReplaceAllString(err.Error(), "$1$2")
	if i := strings.Index(text, key+": "); i >= 0 && !strings.Contains(text[:i], `"`) {
		text = text[i+len(key)+2:] // the command line may name the plugin before that
	}
	text = strings.TrimPrefix(text, "<"+key+"> ")
	return errors.New(strings.ReplaceAll(text, "\n", " "))
}
