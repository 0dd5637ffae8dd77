package aura

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"
)

// script is the browser module. It finds its base path by its own address, so
// that its bytes are the same everywhere.
//
//go:embed assets/client.js
var script []byte

// What is said of the script's bytes is said often, and they do not change: the
// hash that browsers compare (Subresource Integrity), and a short form of it that
// tells one release's address from another's.
var (
	scriptSum       = sha256.Sum256(script)
	scriptIntegrity = "sha256-" + base64.StdEncoding.EncodeToString(scriptSum[:])
	scriptVersion   = base64.RawURLEncoding.EncodeToString(scriptSum[:9])
)

// getScript: GET /client.js, the one answer that caches may keep. It changes
// with the library only; auraScript's address changes with it.
func (a *Auth) getScript(v *visit) (answer, error) {
	ans := newAnswer(http.StatusOK)
	for _, name := range []string{"Pragma", "Expires", "Vary"} {
		ans.header.Del(name)
	}
	etag := `"` + scriptIntegrity + `"`
	switch v.query.Get("v") {
	case "":
		ans.header.Set("Cache-Control", "public, max-age=3600")
	case scriptVersion:
		ans.header.Set("Cache-Control", "public, max-age=31536000, immutable")
	default:
		// Another release's page, during a deployment: these are not its bytes, and
		// no cache may take them for such. no-store stands already.
	}
	ans.header.Set("ETag", etag)
	if matches(v.r.Header.Values("If-None-Match"), etag) {
		ans.status = http.StatusNotModified
		return ans, nil
	}
	ans.header.Set("Content-Type", "text/javascript; charset=utf-8")
	ans.body = script
	return ans, nil
}

// matches is the weak comparison of If-None-Match (RFC 9110 §13.1.2).
func matches(lines []string, etag string) bool {
	for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// scriptTag is auraScript: the element that loads the browser module.
func (a *Auth) scriptTag() template.HTML {
	return template.HTML(`<script type="module" src="` + a.publicPath + `/client.js?v=` + scriptVersion + //nolint:gosec // a path of ours and a hash
		`" integrity="` + scriptIntegrity + `"></script>`)
}
