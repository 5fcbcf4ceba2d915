package privileges_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWayBack runs where the kernel leaves a process its capabilities when it
// gives up being root: so it could become root again, and must not go on.
func TestWayBack(t *testing.T) {
	needRoot(t)
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		if os.Getenv("SKEIN_INTEROP") == "required" {
			t.Fatal(err)
		}
		t.Skip("setpriv is not installed: it is part of util-linux")
	}
	exe, err := os.Executable()
	must(t, err)
	name, _, _ := nobody(t)
	cmd := exec.Command(setpriv, "--securebits=+no_setuid_fixup", exe)
	cmd.Env = childEnv("", name+"||||")
	out, err := cmd.CombinedOutput()
	const want = ": the process can still become root, or is not who it was to be: the user can be changed back: "
	if err == nil || !strings.Contains(string(out), "--uid "+name+want) {
		t.Errorf("it went on: %s, %v", out, err)
	}
}
