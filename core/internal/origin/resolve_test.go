package origin

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// request has the shape of a server's: no URL.Host, Host beside the headers.
// lines are "Name: value", spelt as net/http stores them.
func request(host, peer string, secure bool, lines ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL.Host = ""
	r.Host, r.RemoteAddr = host, peer
	if secure {
		r.TLS = &tls.ConnectionState{}
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	return r
}

const (
	stranger = "203.0.113.9:4711"
	proxy    = "10.0.0.1:4711"
)

func TestResolve(t *testing.T) {
	base := Config{BaseURL: "https://app.example"}
	hosts := Config{TrustedHosts: []string{"app.example", "Other.Example:8443", "[2001:db8::1]"}, TrustedProxies: proxies("10.0.0.0/8")}
	standard := hosts
	standard.Forwarded = true
	insecure := hosts
	insecure.AllowInsecureHTTP = true

	tests := []struct {
		name string
		c    Config
		r    *http.Request
		want string // origin, or the status
	}{
		{"HP-01 BaseURL wins over every host and header", base, request("evil.example", stranger, false, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"), "https://app.example"},
		{"HP-09 BaseURL, malformed Host", base, request("good@evil", stranger, false), "400"},
		{"HP-09 BaseURL, no Host", base, request("", stranger, false), "400"},

		{"loopback by plain http", Config{}, request("localhost:3000", stranger, false), "http://localhost:3000"},
		{"loopback by https", Config{}, request("127.0.0.1:443", stranger, true), "https://127.0.0.1"},
		{"loopback, default port", Config{}, request("[::1]:80", stranger, false), "http://[::1]"},
		{"port of the other scheme stays", Config{}, request("localhost:443", stranger, false), "http://localhost:443"},
		{"HP-10 unknown host", Config{}, request("evil.example", stranger, true), "421"},
		{"HP-10 unknown host with TrustedHosts", hosts, request("evil.example", stranger, true), "421"},
		{"HP-10 suffix", hosts, request("x.app.example", stranger, true), "421"},
		{"HP-10 prefix", hosts, request("app.example.evil.example", stranger, true), "421"},
		{"HP-10 other port", hosts, request("app.example:8443", stranger, true), "421"},
		{"trusted", hosts, request("APP.example", stranger, true), "https://app.example"},
		{"trusted, explicit default port", hosts, request("app.example:443", stranger, true), "https://app.example"},
		{"trusted with port", hosts, request("other.example:8443", stranger, true), "https://other.example:8443"},
		{"HP-10 trusted with port, without it", hosts, request("other.example", stranger, true), "421"},
		{"trusted IPv6", hosts, request("[2001:DB8:0::1]", stranger, true), "https://[2001:db8::1]"},
		{"CK-02 plain http on a trusted host", hosts, request("app.example", stranger, false), "421"},
		{"CK-02 allowed on purpose", insecure, request("app.example", stranger, false), "http://app.example"},

		{"HP-01 untrusted X-Forwarded-Host", hosts, request("app.example", stranger, true, "X-Forwarded-Host: other.example:8443"), "https://app.example"},
		{"HP-03 untrusted proto https", hosts, request("app.example", stranger, false, "X-Forwarded-Proto: https"), "421"},
		{"HP-03 untrusted proto https, loopback", hosts, request("localhost", stranger, false, "X-Forwarded-Proto: https"), "http://localhost"},
		{"HP-03 untrusted proto http over TLS", hosts, request("app.example", stranger, true, "X-Forwarded-Proto: http"), "https://app.example"},
		{"HP-08 peer without an address is no proxy", hosts, request("app.example", "@", false, "X-Forwarded-Proto: https"), "421"},

		{"trusted proto", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: https"), "https://app.example"},
		{"trusted proto, case", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: HTTPS"), "https://app.example"},
		{"trusted proxy, v4-mapped peer", hosts, request("app.example", "[::ffff:10.0.0.1]:1", false, "X-Forwarded-Proto: https"), "https://app.example"},
		{"trusted proto http over TLS", hosts, request("app.example", proxy, true, "X-Forwarded-Proto: http"), "421"},
		{"trusted host", hosts, request("internal", proxy, true, "X-Forwarded-Host: other.example:8443"), "https://other.example:8443"},
		{"proxy without headers", hosts, request("app.example", proxy, true), "https://app.example"},
		{"HP-02 proxy sends a host that is not trusted", hosts, request("app.example", proxy, true, "X-Forwarded-Host: evil.example"), "421"},
		{"HP-09 proxy sends a malformed host", hosts, request("app.example", proxy, true, "X-Forwarded-Host: app.example@evil"), "400"},
		{"proxy sends an empty host", hosts, request("app.example", proxy, true, "X-Forwarded-Host: "), "400"},
		{"same host twice", hosts, request("x", proxy, true, "X-Forwarded-Host: app.example", "X-Forwarded-Host: APP.example"), "https://app.example"},
		{"two hosts, two lines", hosts, request("x", proxy, true, "X-Forwarded-Host: app.example", "X-Forwarded-Host: other.example"), "400"},
		{"two hosts, one line", hosts, request("x", proxy, true, "X-Forwarded-Host: other.example, app.example"), "400"},
		{"same proto twice", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: https,https"), "https://app.example"},
		{"two protos", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: https, http"), "400"},
		{"unknown proto", hosts, request("app.example", proxy, true, "X-Forwarded-Proto: wss"), "400"},
		{"HP-12 names that only look alike", hosts, request("app.example", proxy, true, "X_forwarded_host: evil.example", "X-Forwarded_host: evil.example", "X_forwarded_proto: http"), "https://app.example"},
		{"HP-13, HP-18 never read", hosts, request("app.example", proxy, true, "X-Forwarded-Prefix: //evil", "X-Forwarded-Port: 80,evil", "X-Original-Url: /x", "X-Forwarded-Uri: /x", "X-Rewrite-Url: /x", "X-Forwarded-Ssl: off", "X-Forwarded-Scheme: http"), "https://app.example"},
		{"HP-15 Connection names the headers", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: https", "Connection: X-Forwarded-Proto"), "https://app.example"},

		{"HP-11 Forwarded from a stranger", standard, request("app.example", stranger, true, `Forwarded: host=other.example;proto=http`), "https://app.example"},
		{"HP-11 Forwarded is not the chosen header", hosts, request("app.example", proxy, true, `Forwarded: for=1.2.3.4`), "https://app.example"},
		{"HP-11 Forwarded not chosen, disagrees on proto", hosts, request("app.example", proxy, false, "X-Forwarded-Proto: https", "Forwarded: proto=http"), "400"},
		{"HP-11 Forwarded not chosen, disagrees on host", hosts, request("x", proxy, true, "X-Forwarded-Host: app.example", `Forwarded: for="[2001:db8::1]:47";host=evil;proto=https`), "400"},
		{"HP-11 Forwarded not chosen, agrees", hosts, request("x", proxy, false, "X-Forwarded-Proto: https", "X-Forwarded-Host: app.example:443", "Forwarded: proto=https;host=app.example"), "https://app.example"},
		{"HP-11 Forwarded not chosen, alone", hosts, request("app.example", proxy, true, "Forwarded: proto=http;host=evil.example"), "https://app.example"},
		{"HP-11 Forwarded not chosen, unreadable", hosts, request("app.example", proxy, true, "X-Forwarded-Proto: https", `Forwarded: proto="`), "https://app.example"},
		{"Forwarded chosen", standard, request("internal", proxy, false, `Forwarded: for="[2001:db8::1]:47";HOST="other.example:8443";Proto=HTTPS`), "https://other.example:8443"},
		{"Forwarded chosen, only proto", standard, request("app.example", proxy, false, `Forwarded: proto=https`), "https://app.example"},
		{"Forwarded chosen, X-Forwarded-* alone is ignored", standard, request("app.example", proxy, true, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http"), "https://app.example"},
		{"HP-11 Forwarded chosen, X-Forwarded-Proto disagrees", standard, request("app.example", proxy, true, "Forwarded: proto=https", "X-Forwarded-Proto: http"), "400"},
		{"HP-11 Forwarded chosen, X-Forwarded-Host disagrees", standard, request("app.example", proxy, true, "Forwarded: host=app.example", "X-Forwarded-Host: evil.example"), "400"},
		{"Forwarded: the client's own element is not read", standard, request("app.example", proxy, true, `Forwarded: for=6.6.6.6;host=evil.example;proto=http, for=203.0.113.9;host=app.example;proto=https`), "https://app.example"},
		{"Forwarded: the same on two lines", standard, request("app.example", proxy, true, `Forwarded: host=evil.example`, `Forwarded: for=203.0.113.9;host=app.example`), "https://app.example"},
		{"Forwarded: the client's line is broken, the proxy's is not", standard, request("app.example", proxy, true, `Forwarded: host="evil`, `Forwarded: for=203.0.113.9;host=app.example`), "https://app.example"},
		{"Forwarded: two trusted hops, the outer one saw the browser", standard, request("internal", proxy, false, `Forwarded: for=203.0.113.9;host=app.example;proto=https, for=10.0.0.2;host=internal;proto=http`), "https://app.example"},
		{"HP-02 Forwarded sends a host that is not trusted", standard, request("app.example", proxy, true, `Forwarded: host=evil.example`), "421"},
		{"Forwarded: unquoted port", standard, request("app.example", proxy, true, `Forwarded: host=app.example:443`), "400"},
		{"Forwarded: open quote", standard, request("app.example", proxy, true, `Forwarded: host="app.example`), "400"},
		{"Forwarded: host twice", standard, request("app.example", proxy, true, `Forwarded: host=app.example;host=evil.example`), "400"},
		{"Forwarded: malformed host", standard, request("app.example", proxy, true, `Forwarded: host="a@b"`), "400"},
		{"Forwarded: unknown proto", standard, request("app.example", proxy, true, `Forwarded: proto=gopher`), "400"},
		{"Forwarded: empty", standard, request("app.example", proxy, true, `Forwarded: `), "400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mustNew(t, tt.c).Resolve(tt.r)
			var refused *Error
			if errors.As(err, &refused) {
				if s := fmt.Sprint(refused.Status); s != tt.want {
					t.Fatalf("%v (%s), want %s", err, s, tt.want)
				}
				if got != (Public{}) {
					t.Errorf("an error with %+v", got)
				}
				if strings.Contains(refused.Reason, "evil") {
					t.Errorf("the reason %q repeats the request", refused.Reason)
				}
				return
			}
			if err != nil || got.Origin != tt.want {
				t.Fatalf("Resolve = %+v, %v, want %s", got, err, tt.want)
			}
			scheme, host, _ := strings.Cut(got.Origin, "://")
			if got.Secure != (scheme == "https") || got.Host != host {
				t.Errorf("%+v contradicts itself", got)
			}
		})
	}
}

func TestErrorNamesTheHostForTheLogOnly(t *testing.T) {
	_, err := mustNew(t, Config{}).Resolve(request("App.Example:8443", stranger, true))
	var refused *Error
	if !errors.As(err, &refused) || refused.Status != 421 || refused.Host != "app.example:8443" {
		t.Fatalf("%#v", err)
	}
	if strings.Contains(err.Error(), "app.example") {
		t.Errorf("%q repeats the request", err)
	}
}

func TestStrayLoopback(t *testing.T) {
	tests := []struct {
		base, host string
		want       bool
	}{
		{"http://localhost:3000", "127.0.0.1:3000", true},
		{"http://localhost:3000", "[::1]:3000", true},
		{"http://localhost:3000", "app.localhost:3000", true},
		{"http://127.0.0.1:3000", "localhost:3000", true},
		{"http://localhost", "127.0.0.1", true},
		{"http://localhost", "127.0.0.1:80", true},
		{"https://localhost", "127.0.0.1:443", true},
		{"http://localhost:3000", "LOCALHOST:3000", false},
		{"http://localhost:3000", "127.0.0.1:3001", false},
		{"http://localhost:3000", "127.0.0.1", false},
		{"http://localhost:3000", "evil.example:3000", false},
		{"http://localhost:3000", "127.0.0.1:3000@evil", false},
		{"https://app.example", "localhost", false},
		{"", "localhost", false},
	}
	for _, tt := range tests {
		p := mustNew(t, Config{BaseURL: tt.base})
		if got := p.StrayLoopback(request(tt.host, stranger, false)); got != tt.want {
			t.Errorf("BaseURL %q, Host %q: %v", tt.base, tt.host, got)
		}
	}
}

// HP-09 on the wire: what net/http refuses itself and what it leaves to us.
func TestHP09OnTheWire(t *testing.T) {
	p := mustNew(t, Config{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		public, err := p.Resolve(r)
		var refused *Error
		if errors.As(err, &refused) {
			w.WriteHeader(refused.Status)
			return
		}
		io.WriteString(w, public.Origin)
	}))
	defer srv.Close()
	tests := []struct {
		name, head string
		want       int
	}{
		{"good", "GET / HTTP/1.1\r\nHost: localhost\r\n", 200},
		{"two Hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n", 400},
		{"no Host", "GET / HTTP/1.1\r\n", 400},
		{"no Host, 1.0", "GET / HTTP/1.0\r\n", 400},
		{"userinfo", "GET / HTTP/1.1\r\nHost: localhost@evil\r\n", 400},
		{"slash", "GET / HTTP/1.1\r\nHost: localhost/evil\r\n", 400},
		{"text after the port", "GET / HTTP/1.1\r\nHost: localhost:80evil\r\n", 400},
		{"trailing dot", "GET / HTTP/1.1\r\nHost: app.example.\r\n", 400},
		{"absolute form", "GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n", 421},
		{"absolute form with userinfo", "GET http://localhost@evil/ HTTP/1.1\r\nHost: localhost\r\n", 421},
		{"HP-12 space after the name", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Host : evil\r\n", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", srv.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, tt.head+"Connection: close\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.want || tt.want == 200 && string(body) != "http://localhost" {
				t.Errorf("%d %q, want %d", resp.StatusCode, body, tt.want)
			}
		})
	}
}
