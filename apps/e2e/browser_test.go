package e2e

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// TestHarnessBrowser proves the browser: forms by mouse and keyboard, the status
// of the page that they lead to, cookies kept apart by profile and shared by
// tabs, scripts on and off, and screenshots.
func TestHarnessBrowser(t *testing.T) {
	b := startBrowser(t)
	site := httptest.NewServer(harnessSite())
	t.Cleanup(site.Close)
	for _, javascript := range []bool{true, false} {
		t.Run(fmt.Sprintf("javascript=%t", javascript), func(t *testing.T) {
			shots := t.TempDir()
			t.Setenv("E2E_SCREENSHOTS", shots)
			p := b.profile(t, javascript)
			tb := p.tab()
			tb.mustOpen(site.URL + "/")
			if got := tb.has("#by-script"); got != javascript {
				t.Errorf("the page's script ran: %t, want %t", got, javascript)
			}
			tb.fill("name", "Zoë")
			tb.screenshot("form")
			if status := tb.submit("/greet"); status != http.StatusAccepted {
				t.Errorf("status of the page after the form = %d, want 202", status)
			}
			if got := tb.url().Path; got != "/greeting" {
				t.Errorf("the form led to %s, want /greeting", got)
			}
			if got := tb.text("body"); got != "Hello, Zoë" {
				t.Errorf("the page says %q", got)
			}
			if status := tb.reload(); status != http.StatusAccepted {
				t.Errorf("status after a reload = %d, want 202", status)
			}
			if status := tb.open(site.URL + "/nowhere"); status != http.StatusNotFound {
				t.Errorf("status of an unknown page = %d, want 404", status)
			}

			second := p.tab()
			if second.open(site.URL + "/greeting"); second.text("body") != "Hello, Zoë" {
				t.Errorf("a second tab of the profile says %q", second.text("body"))
			}
			stranger := b.profile(t, javascript).tab()
			if stranger.open(site.URL + "/greeting"); stranger.text("body") != "Hello, stranger" {
				t.Errorf("another profile says %q", stranger.text("body"))
			}
			wantScreenshot(t, shots)
		})
	}
}

func wantScreenshot(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*-form.png"))
	if err != nil || len(files) != 1 {
		t.Fatalf("screenshots: %v, %v; want one", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size.X < 500 || size.Y < 300 {
		t.Errorf("the screenshot measures %v", size)
	}
}

func harnessSite() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `<!doctype html><meta charset="utf-8"><title>Harness</title>
<form method="post" action="/elsewhere"><button>Not this one</button></form>
<form method="post" action="/greet"><input name="name"><button type="button">Nor this</button><button>Greet</button></form>
<script>document.body.insertAdjacentHTML('beforeend', '<p id="by-script">by script</p>')</script>`)
	})
	mux.HandleFunc("POST /greet", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "name", Value: url.QueryEscape(r.FormValue("name")), Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/greeting", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /greeting", func(w http.ResponseWriter, r *http.Request) {
		name := "stranger"
		if c, err := r.Cookie("name"); err == nil {
			name, _ = url.QueryUnescape(c.Value)
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "Hello, %s", name)
	})
	return mux
}
