package adaptertest

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "record testdata/transcript.txt anew, from the reference adapter")

// The transcript is recorded with go test -run TestTranscript -update; read the
// difference before you commit it.
func TestTranscript(t *testing.T) {
	p := &probe{adapter: Adapter{Name: "reference", Serve: func(app App) (func(), error) { return newReference(app).serve() }}}
	defer p.close()
	got := p.transcript()
	if err := errors.Join(p.errs...); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/transcript.txt", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != golden {
		t.Errorf("the transcript differs; if it should, record it anew with -update:\n%s", difference(golden, got))
	}
}

var brokenTranscripts = []breakage{
	{"transcript", "adds a banner", func(a *reference) {
		a.around = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Powered-By", "broken")
				next.ServeHTTP(w, r)
			})
		}
	}},
	{"transcript", "makes every redirect a 303", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			h(&seeOther{w}, r)
		}
	}},
}

// seeOther makes every redirect a 303.
type seeOther struct{ http.ResponseWriter }

func (w *seeOther) WriteHeader(status int) {
	if status == http.StatusFound {
		status = http.StatusSeeOther
	}
	w.ResponseWriter.WriteHeader(status)
}
