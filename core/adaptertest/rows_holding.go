package adaptertest

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/devidp"
)

// What the core promises, seen through the adapter: it must lose none of it.
var holdingRows = []row{
	{"ten tabs", "Ten sign-ins in one browser at once, callbacks in any order: each succeeds, by the cookie of its own that arrives and leaves.", func(p *probe) {
		p.serve(nil, nil)
		c := p.client()
		callbacks := make([]string, 10)
		for i := range callbacks {
			callbacks[i] = c.start("/after")
		}
		rand.Shuffle(len(callbacks), func(i, j int) { callbacks[i], callbacks[j] = callbacks[j], callbacks[i] })
		var wg sync.WaitGroup
		failed := make(chan int, len(callbacks))
		for _, callback := range callbacks {
			wg.Go(func() {
				resp, err := c.http.Get(callback)
				if err != nil {
					failed <- 0
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusFound {
					failed <- resp.StatusCode
				}
			})
		}
		wg.Wait()
		close(failed)
		for status := range failed {
			p.errorf("a callback was answered %d, want 302", status)
		}
		p.want("afterwards", c.get("/public"), 200, "demo-ada")
	}},
	{"rotation", "A session under an older secret is accepted, and its cookie under the newest goes out with the application's own answer; under a secret that is gone it is nobody's, and no cookie is touched.", func(p *probe) {
		const newer = "adaptertest+newer+e7d15b8642ac90fe137d58b264"
		cookie := "Cookie: aura-auth.session_token=" + p.mint("ada", "") + "\r\n"
		request := "GET /public HTTP/1.1\r\nHost: HOST\r\n" + cookie + "Connection: close\r\n\r\n"
		p.serve(func(cfg *aura.Config) { cfg.Secrets = []aura.Secret{newer, secret} }, nil)
		r, _ := p.raw(request)
		p.want("both secrets", r, 200, "ada")
		if n := len(cookies(r, "aura-auth.session_token")); n != 1 {
			p.errorf("both secrets: %d Set-Cookie lines for the session, want 1", n)
		}
		p.serve(func(cfg *aura.Config) { cfg.Secrets = []aura.Secret{newer} }, nil)
		r, _ = p.raw(request)
		p.want("the newer secret alone", r, 200, "nobody")
		if len(r.header["Set-Cookie"]) > 0 {
			p.errorf("the newer secret alone: Set-Cookie %q", r.header["Set-Cookie"])
		}
	}},
	{"provider misbehaves", "However the provider misbehaves, the callback ends in a defined answer, and in a session only where that is right; an existing session stays.", func(p *probe) {
		p.serve(nil, nil)
		member := p.client()
		member.signIn()
		for _, fault := range devidp.Faults() {
			if fault.Endpoint != devidp.Token && fault.Endpoint != devidp.UserInfo ||
				fault.Slow || strings.Contains(fault.Name, "gzip") || strings.Contains(fault.Name, "huge") {
				continue // what the metadata and the keys say is cached; the slow ones take minutes
			}
			if fault.Name == devidp.UnknownKid.Name || fault.Name == devidp.RotateBeforeSigning.Name {
				// Keys are asked for again once in a while only: begin with none.
				p.serve(nil, nil)
			}
			fresh := p.client()
			p.idp.Misbehave(fault)
			answer := fresh.get(fresh.start("/after"))
			renewed := member.get(member.start("/after"))
			p.idp.Behave()
			signedIn := fresh.get("/public").body == "demo-ada"
			switch defined := answer.status == http.StatusFound || answer.status >= 400 && answer.status <= 503 && strings.Contains(answer.body, `"code":"`); {
			case !defined:
				p.errorf("%s: status %d, body %q", fault.Name, answer.status, clip(answer.body))
			case renewed.status != http.StatusFound && len(cookies(renewed, "aura-auth.session_token")) > 0:
				p.errorf("%s: a failed callback touched the session of somebody who is signed in", fault.Name)
			case fault.Verdict == devidp.Refuse && signedIn, fault.Verdict == devidp.Accept && !signedIn, signedIn != (answer.status == http.StatusFound):
				p.errorf("%s: status %d, signed in: %v", fault.Name, answer.status, signedIn)
			}
			p.want("an existing session, "+fault.Name, member.get("/public"), 200, "demo-ada")
		}
	}},
}
