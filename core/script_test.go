package aura_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

var scriptTag = regexp.MustCompile(`^<script type="module" src="([^"]+)" integrity="([^"]+)"></script>$`)

// printed is what auraScript renders: the address and the hash.
func printed(t *testing.T, auth *aura.Auth) (src, integrity string) {
	t.Helper()
	tag := renderForms(t, auth, `{{auraScript}}`, nil)
	m := scriptTag.FindStringSubmatch(tag)
	if m == nil {
		t.Fatalf("auraScript renders %q", tag)
	}
	return html.UnescapeString(m[1]), html.UnescapeString(m[2])
}

// The browser module is sent whole, with the hash that the page prints, to
// anybody, and caches may keep it.
func TestScript(t *testing.T) {
	want, err := os.ReadFile("assets/client.js")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(want)
	s := newSite(t, func(c *aura.Config) { c.Session.Expiration = aura.RollingExpiration })
	src, integrity := printed(t, s.auth)
	if integrity != "sha256-"+base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("printed %q, the file's hash is another", integrity)
	}
	b := newBrowser(t, s.url)
	b.plant(plainNames.session, s.seal(s.claims("u-1")))
	const hour, year = "public, max-age=3600", "public, max-age=31536000, immutable"
	// Another release's page, during a deployment: no cache may take these bytes for its.
	if r := b.get("/auth/client.js?v=other"); r.status != 200 || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("another version: status %d, Cache-Control %q, want no-store", r.status, r.header.Get("Cache-Control"))
	}
	for target, cache := range map[string]string{src: year, "/auth/client.js": hour, "/auth/client.js?v=": hour, src + "&v=2": year} {
		r := b.get(target)
		if r.status != 200 || r.body != string(want) || r.header.Get("Cache-Control") != cache {
			t.Errorf("%s: status %d, %d bytes, Cache-Control %q, want %q", target, r.status, len(r.body), r.header.Get("Cache-Control"), cache)
		}
		for name, value := range map[string]string{
			"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(want)),
			"Pragma": "", "Expires": "", "Vary": "", "Set-Cookie": "", "Access-Control-Allow-Origin": "",
		} {
			if r.header.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", target, name, r.header.Get(name), value)
			}
		}
		etag := r.header.Get("ETag")
		if len(etag) < 10 || etag[0] != '"' {
			t.Fatalf("%s: ETag %q", target, etag)
		}
		head := b.do("HEAD", target, "")
		if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != strconv.Itoa(len(want)) || head.header.Get("ETag") != etag || head.header.Get("Cache-Control") != cache {
			t.Errorf("HEAD %s: status %d, header %v", target, head.status, head.header)
		}
		// RFC 9110 §13.1.2: a list, and weak comparison. A proxy that compresses
		// makes the tag weak.
		for _, have := range []string{etag, "W/" + etag, `"other", ` + etag, etag + `,"other"`, "*"} {
			r := b.get(target, "If-None-Match", have)
			if r.status != 304 || r.body != "" || r.header.Get("ETag") != etag || r.header.Get("Cache-Control") != cache || r.header.Get("Content-Type") != "" {
				t.Errorf("If-None-Match %s: status %d, %d bytes, ETag %q, Content-Type %q", have, r.status, len(r.body), r.header.Get("ETag"), r.header.Get("Content-Type"))
			}
		}
		for _, have := range []string{`"other"`, strings.Trim(etag, `"`), ""} {
			if r := b.get(target, "If-None-Match", have); r.status != 200 || r.body != string(want) {
				t.Errorf("If-None-Match %s: status %d", have, r.status)
			}
		}
		if head := b.do("HEAD", target, "", "If-None-Match", etag); head.status != 304 || head.body != "" {
			t.Errorf("HEAD with the tag: status %d", head.status)
		}
	}
	// No copy of the session may have come with it.
	if got := b.cookies()[plainNames.session]; s.open(got)["sub"] != "u-1" {
		t.Error("the session was touched")
	}
	post := b.do("POST", "/auth/client.js", "")
	if post.status != http.StatusMethodNotAllowed || post.header.Get("Allow") != "GET, HEAD, OPTIONS" || post.header.Get("Cache-Control") != "no-store" {
		t.Errorf("POST: status %d, header %v", post.status, post.header)
	}
	stranger := b.get("/auth/client.js", "Host", "evil.example")
	if stranger.status != http.StatusMisdirectedRequest || stranger.header.Get("Cache-Control") != "no-store" {
		t.Errorf("at a host that is not ours: status %d, Cache-Control %q", stranger.status, stranger.header.Get("Cache-Control"))
	}
}

// The printed address is where the browser finds it, whatever the base path and
// the prefix that a proxy strips; its bytes are the same everywhere.
func TestScriptAddress(t *testing.T) {
	_, first := printed(t, newSite(t, nil).auth)
	for _, test := range []struct{ baseURL, basePath, want, route string }{
		{"", "", "/auth/client.js?v=", "/auth/client.js"},
		{"", "/api/auth", "/api/auth/client.js?v=", "/api/auth/client.js"},
		{"https://app.example/shop", "/api/auth", "/shop/api/auth/client.js?v=", "/api/auth/client.js"},
	} {
		s := newSite(t, func(c *aura.Config) { c.BaseURL, c.BasePath = test.baseURL, test.basePath })
		src, integrity := printed(t, s.auth)
		if !strings.HasPrefix(src, test.want) || integrity != first {
			t.Errorf("%s: printed %q, %q", test.basePath, src, integrity)
		}
		r := newBrowser(t, s.url).get(test.route + src[strings.Index(src, "?"):])
		sum := sha256.Sum256([]byte(r.body))
		if r.status != 200 || "sha256-"+base64.StdEncoding.EncodeToString(sum[:]) != integrity || !strings.Contains(r.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, Cache-Control %q", test.route, r.status, r.header.Get("Cache-Control"))
		}
	}
}
