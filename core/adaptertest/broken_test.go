package adaptertest

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	aura "github.com/aura-stack-go/auth/core"
)

// A breakage makes the reference adapter fail a row, in a way that an adapter
// might have been written.
type breakage struct {
	row, what string
	how       func(*reference)
}

var breakages = slices.Concat(
	brokenSessions, brokenStores, brokenFlows, brokenTranscripts, brokenHolds, brokenBearers, brokenRoutes, brokenExits,
	brokenRequests, brokenResponses, brokenLives,
)

var brokenSessions = []breakage{
	{"anonymous", "turns away who is not signed in, in Load", func(a *reference) { a.load = a.require }},
	{"anonymous", "has a session for everybody", func(a *reference) {
		a.session = func(*http.Request) (*aura.Session, bool) { return &aura.Session{}, true }
	}},
	{"signed in", "loses the context that Load returns", func(a *reference) {
		a.load = func(next http.Handler) http.Handler { return a.forgetful(a.app.Auth.Load, next) }
	}},
	{"require alone", "takes Load for granted in Require", func(a *reference) {
		a.require = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, ok := a.session(r); !ok {
					a.deny(w, r, aura.ErrNoSession)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}},
	{"require alone", "loses the context that Require returns", func(a *reference) {
		a.require = func(next http.Handler) http.Handler { return a.forgetful(a.app.Auth.Require, next) }
	}},
	{"require: script", "goes on after Deny in Require", func(a *reference) { a.require = a.unstopped }},
	{"require: page", "denies by a request without its query", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			bare := r.Clone(r.Context())
			bare.RequestURI, bare.URL = "", &url.URL{Path: r.URL.Path}
			h(w, bare)
		}
	}},
	{"require: page", "lets the handler of a refused page run", func(a *reference) { a.require = a.unstopped }},
	{"require: other origin", "makes Require of Load", func(a *reference) {
		a.require = func(next http.Handler) http.Handler {
			return a.with(a.app.Auth.Load, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, ok := a.session(r); !ok {
					a.deny(w, r, aura.ErrNoSession)
					return
				}
				next.ServeHTTP(w, r)
			}))
		}
	}},
	{"protect", "goes on after Deny in Protect", func(a *reference) {
		a.protect = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := a.app.Auth.Verify(r); err != nil {
					a.deny(w, r, err)
					w = &buffered{header: http.Header{}} // as frameworks do that ignore a second answer
				}
				next.ServeHTTP(w, r)
			})
		}
	}},
	{"protect", "reads the form away from the handler", func(a *reference) {
		a.translate = func(r *http.Request) *http.Request { return r.Clone(r.Context()) }
	}},
	{"renewal", "keeps the header lines of Load to itself", func(a *reference) {
		a.load = func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, _, err := a.app.Auth.Load(r)
				if err != nil {
					a.deny(w, r, err)
					return
				}
				next.ServeHTTP(w, r.WithContext(ctx))
			})
		}
	}},
	{"server side", "adds header lines where it should replace", func(a *reference) { a.apply = added }},
	{"server side", "keeps a copy of the session that Load found", func(a *reference) {
		load := a.load
		a.load = func(next http.Handler) http.Handler {
			return load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, _ := aura.SessionFrom(r.Context())
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), copyKey{}, s)))
			}))
		}
		a.session = func(r *http.Request) (*aura.Session, bool) {
			s, _ := r.Context().Value(copyKey{}).(*aura.Session)
			return s, s != nil
		}
	}},
	{"server side", "does not send the lines of server-side functions", func(a *reference) {
		a.apply = func(http.ResponseWriter, http.Header) {}
	}},
}

// copyKey is the key of a session that has been copied out of its context.
type copyKey struct{}

// forgetful is with, without the context.
func (a *reference) forgetful(look look, next http.Handler) http.Handler {
	return a.with(func(r *http.Request) (context.Context, http.Header, error) {
		_, lines, err := look(r)
		return r.Context(), lines, err
	}, next)
}

// unstopped is Require without the return behind Deny.
func (a *reference) unstopped(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, lines, err := a.app.Auth.Require(r)
		a.apply(w, lines)
		if err != nil {
			a.deny(w, r, err)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func added(w http.ResponseWriter, lines http.Header) {
	for name, values := range lines {
		for _, value := range values {
			w.Header().Add(name, value)
		}
	}
}

func set(w http.ResponseWriter, lines http.Header) {
	for name, values := range lines {
		for _, value := range values {
			w.Header().Set(name, value)
		}
	}
}

var brokenFlows = []breakage{
	{"whole flow", "forwards GET and POST, and forgets PATCH", func(a *reference) {
		a.mount = func(g group) {
			for _, method := range []string{"GET ", "POST "} {
				g.mux.Handle(method+a.app.Auth.BasePath()+"/", a.app.Auth)
			}
		}
	}},
	{"callback answers a failure", "has the framework's error page for failures", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if b.status >= 400 {
			http.Error(w, http.StatusText(b.status), b.status)
			return
		}
		b.send(w, aura.Apply)
	})},
	{"location untouched", "makes Location absolute", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if target := b.header.Get("Location"); strings.HasPrefix(target, "/") {
			b.header.Set("Location", "http://"+r.Host+target)
		}
		b.send(w, aura.Apply)
	})},
	{"location untouched", "cleans Location", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		if target := b.header.Get("Location"); strings.HasPrefix(target, "/") {
			b.header.Set("Location", path.Clean(target))
		}
		b.send(w, aura.Apply)
	})},
	{"several cookies", "sets each line over the one before", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		b.send(w, func(dst, src http.Header) { set(w, src) })
	})},
	{"one line per cookie", "adds the answer's cookies to those of others", bridged(func(w http.ResponseWriter, r *http.Request, b *buffered) {
		b.send(w, func(dst, src http.Header) { added(w, src) })
	})},
	{"methods", "answers HEAD by itself", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			if r.Method != http.MethodHead {
				h(w, r)
			}
		}
	}},
	{"methods", "answers OPTIONS by itself", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			h(w, r)
		}
	}},
	{"methods", "believes X-HTTP-Method-Override", changed(func(r *http.Request) {
		if m := r.Header.Get("X-HTTP-Method-Override"); m != "" {
			r.Method = m
		}
	})},
	{"paths", "lower-cases paths", changed(func(r *http.Request) { r.URL = &url.URL{Path: strings.ToLower(r.URL.Path), RawQuery: r.URL.RawQuery} })},
	{"paths", "passes decoded paths", changed(func(r *http.Request) { r.URL = &url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery} })},
	{"paths", "cleans paths", changed(func(r *http.Request) { r.URL = &url.URL{Path: path.Clean(r.URL.Path), RawQuery: r.URL.RawQuery} })},
	{"protected paths", "guards paths instead of handlers, before a router that does not mind the case", func(a *reference) {
		a.require = func(next http.Handler) http.Handler { return next }
		a.around = func(h http.Handler) http.Handler {
			guarded := a.with(a.app.Auth.Require, h)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				serve := h
				if r.URL.Path == "/private" {
					serve = guarded
				}
				r.URL.Path = strings.ToLower(r.URL.Path)
				serve.ServeHTTP(w, r)
			})
		}
	}},
	{"group", "mounts the base path below the prefix that it has already", func(a *reference) {
		a.mount = func(g group) { g.handle(a.app.Auth.BasePath()+"/", a.app.Auth) }
	}},
	{"group", "joins a group's prefix and the base path by two slashes", func(a *reference) {
		a.mount = func(g group) {
			if strings.HasSuffix(a.app.Group, "/") {
				g.prefix += "/"
			}
			g.handle(strings.TrimPrefix(a.app.Auth.BasePath(), strings.TrimSuffix(g.prefix, "/"))+"/", a.app.Auth)
		}
	}},
	{"context values", "gives the core a context of its own", func(a *reference) {
		a.translate = func(r *http.Request) *http.Request { return r.WithContext(context.Background()) }
	}},
}

var brokenRequests = []breakage{
	{"repeated headers", "keeps the last line of a header", changed(func(r *http.Request) {
		for name, values := range r.Header {
			r.Header[name] = values[len(values)-1:]
		}
	})},
	{"application sees all lines", "joins the lines of a header", changed(func(r *http.Request) {
		for name, values := range r.Header {
			r.Header[name] = []string{strings.Join(values, ", ")}
		}
	})},
	{"hosts", "takes what stands behind the @ for the host", received(func(line string) string {
		if _, host, found := strings.Cut(line, "@"); found && strings.HasPrefix(line, "Host: ") {
			return "Host: " + host
		}
		return line
	})},
	{"hosts", "keeps the last of several Host lines", func(a *reference) {
		hosts := 0
		received(func(line string) string {
			if strings.HasPrefix(line, "Host: evil") {
				hosts++
				return "X-Overruled: " + line
			}
			return line
		})(a)
	}},
	{"hosts", "drops the port of the host unseen", changed(func(r *http.Request) { r.Host, _, _ = strings.Cut(r.Host, ":") })},
	{"hosts", "takes the Host line although the target names a host", received(func(line string) string {
		return strings.Replace(line, "GET http://evil.example/", "GET /", 1)
	})},
	{"forwarded headers", "asks the framework for the host", changed(func(r *http.Request) {
		if host := r.Header.Get("X-Forwarded-Host"); host != "" {
			r.Host = host
		}
	})},
	{"forwarded headers", "asks the framework for the client's address", changed(func(r *http.Request) {
		if ip := r.Header.Get("X-Forwarded-For"); ip != "" {
			r.RemoteAddr = net.JoinHostPort(ip, "0")
		}
	})},
	{"tls", "does not tell that there is TLS", changed(func(r *http.Request) { r.TLS = nil })},
	{"nameless cookies", "reads =name=value as name=value", cookiesRead(func(pairs []string) []string {
		for i := range pairs {
			pairs[i] = strings.TrimPrefix(pairs[i], "=")
		}
		return slices.DeleteFunc(pairs, func(pair string) bool { // of two, the last
			name, _, _ := strings.Cut(pair, "=")
			return pair != pairs[len(pairs)-1] && strings.HasPrefix(pairs[len(pairs)-1], name+"=")
		})
	})},
	{"duplicate cookies", "has one value per cookie name", cookiesRead(func(pairs []string) []string {
		last := map[string]string{}
		for _, pair := range pairs {
			name, _, _ := strings.Cut(pair, "=")
			last[name] = pair
		}
		return slices.Collect(maps.Values(last))
	})},
	{"duplicate cookies", "reads one Cookie line", changed(func(r *http.Request) { r.Header["Cookie"] = r.Header["Cookie"][:min(1, len(r.Header["Cookie"]))] })},
	{"large cookies", "takes session_token.0 and session_token.1 for one cookie", func(a *reference) {
		a.apply = func(w http.ResponseWriter, lines http.Header) {
			for _, line := range lines["Set-Cookie"] {
				name := line[:strings.LastIndex(line[:strings.Index(line, "=")], ".")]
				w.Header()["Set-Cookie"] = append(slices.DeleteFunc(w.Header()["Set-Cookie"], func(l string) bool { return strings.HasPrefix(l, name) }), line)
			}
		}
	}},
	{"large cookies", "is served with a small read buffer", func(a *reference) {
		a.server = func(s *http.Server) { s.MaxHeaderBytes = 1 << 10 }
	}},
	{"body read before", "makes a new request, without the parsed form", changed(func(r *http.Request) { r.Form, r.PostForm = nil, nil })},
	{"body limit", "reads as much as Content-Length says", changed(func(r *http.Request) {
		r.Body = io.NopCloser(io.LimitReader(r.Body, r.ContentLength))
	})},
	{"body limit", "cuts bodies at the limit", changed(func(r *http.Request) { r.Body = io.NopCloser(io.LimitReader(r.Body, 64<<10)) })},
	{"odd bodies", "binds JSON by the framework's means, and writes it anew", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			var v map[string]any
			if err := json.NewDecoder(r.Body).Decode(&v); err == nil {
				raw, _ := json.Marshal(v)
				r.Body = io.NopCloser(strings.NewReader(string(raw)))
			}
			h(w, r)
		}
	}},
	{"odd bodies", "knows no Expect", func(a *reference) {
		a.answer = func(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
			if r.Header.Get("Expect") != "" {
				w.WriteHeader(http.StatusExpectationFailed)
				return
			}
			h(w, r)
		}
	}},
}
