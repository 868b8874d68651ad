// Runs OPA's own server as `opa run --server` does, and tells its version.
//
// Debian packages OPA as a library. Of the program's flags these are the ones that
// Handrail uses, by the same names.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/logging"
	"github.com/open-policy-agent/opa/runtime"
	"github.com/open-policy-agent/opa/version"
)

func main() {
	command := ""
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch command {
	case "version":
		fmt.Printf("Version: %s\n", version.Version)
	case "run":
		run(os.Args[2:])
	default:
		fail("only `opa run --server` and `opa version` are here")
	}
}

func run(arguments []string) {
	params := runtime.NewParams()
	flags := flag.NewFlagSet("run", flag.ExitOnError)
	isServer := flags.Bool("server", false, "")
	address := flags.String("addr", "localhost:8181", "")
	params.UnixSocketPerm = flags.String("unix-socket-perm", "755", "")
	flags.BoolVar(&params.V0Compatible, "v0-compatible", false, "")
	level := flags.String("log-level", "info", "")
	format := flags.String("log-format", "json", "")
	isSilent := flags.Bool("disable-telemetry", false, "")
	if err := flags.Parse(arguments); err != nil || !*isServer {
		fail("--server is missing")
	}
	params.Addrs = &[]string{*address}
	params.DiagnosticAddrs = &[]string{}
	params.AddrSetByUser = true
	params.EnableVersionCheck = !*isSilent
	params.Logging = runtime.LoggingConfig{Level: *level, Format: *format}
	params.Logger = logging.Get()
	ctx := context.Background()
	made, err := runtime.NewRuntime(ctx, params)
	if err != nil {
		fail(err)
	}
	made.StartServer(ctx)
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, "error:", why)
	os.Exit(1)
}
