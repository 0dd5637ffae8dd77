package aura_test

import (
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	aura "github.com/aura-stack-go/auth/core"
)

const (
	otherSecret = "Ab3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-other_01"
	thirdSecret = "Cd3Lr8Vt1Nc6Xq0Bw5Ms9Kd2Hf7Gj4Ay-third_02"
)

// setEnv sets variables written as NAME=value.
func setEnv(t *testing.T, pairs ...string) {
	t.Helper()
	noEnvironment(t)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
}

// opens reports whether auth accepts a session made under this secret and salt.
func opens(t *testing.T, auth *aura.Auth, secret, salt aura.Secret) bool {
	t.Helper()
	s := &site{t: t, clock: &stillClock{at: wallClock()}, cfg: aura.Config{Secrets: []aura.Secret{secret}, Salt: salt}}
	s.ring, s.codec = keysOf(t, s.cfg)
	r := httptest.NewRequest("GET", "http://localhost/", nil)
	r.Header.Set("Cookie", plainNames.session+"="+s.seal(s.claims("u-1")))
	_, _, err := auth.GetSession(r)
	return err == nil
}

// Secret and salt: the first defined of the three prefixed names wins, even
// when it is empty; the bare names are never read; Config wins over all.
func TestEnvironmentSecret(t *testing.T) {
	const s1, s2, s3 = testSecret, otherSecret, thirdSecret
	for _, test := range []struct {
		name   string
		env    []string
		config aura.Config
		opens  []aura.Secret // of s1, s2, s3 under testSalt
		fails  string        // part of New's message; "" for none
	}{
		{"AURA_AUTH_ alone", []string{"AURA_AUTH_SECRET=" + s1, "AURA_AUTH_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s1}, ""},
		{"AURA_ alone", []string{"AURA_SECRET=" + s1, "AURA_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s1}, ""},
		{"AUTH_ alone", []string{"AUTH_SECRET=" + s1, "AUTH_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s1}, ""},
		{"AURA_AUTH_ before AURA_", []string{"AURA_AUTH_SECRET=" + s1, "AURA_SECRET=" + s2, "AUTH_SECRET=" + s3, "AUTH_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s1}, ""},
		{"AURA_ before AUTH_", []string{"AURA_SECRET=" + s2, "AUTH_SECRET=" + s3, "AUTH_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s2}, ""},
		{"empty but defined counts as missing", []string{"AURA_AUTH_SECRET=", "AURA_SECRET=" + s2, "AUTH_SALT=" + testSalt}, aura.Config{}, nil, "Secrets: none is set"},
		{"empty salt counts as missing", []string{"AURA_AUTH_SECRET=" + s1, "AURA_AUTH_SALT=", "AUTH_SALT=" + testSalt}, aura.Config{}, nil, "Salt: none is set"},
		{"bare names are not read", []string{"SECRET=" + s1, "SALT=" + testSalt}, aura.Config{}, nil, "Secrets: none is set"},
		{"a list, newest first", []string{"AURA_AUTH_SECRET= " + s1 + " ,\t" + s2 + ", ,", "AURA_AUTH_SALT=" + testSalt}, aura.Config{}, []aura.Secret{s1, s2}, ""},
		{"Config wins", []string{"AURA_AUTH_SECRET=" + s1, "AURA_AUTH_SALT=" + otherSecret}, aura.Config{Secrets: []aura.Secret{s3}, Salt: testSalt}, []aura.Secret{s3}, ""},
		{"a weak one", []string{"AURA_AUTH_SECRET=" + s1 + ",changeme", "AURA_AUTH_SALT=" + testSalt}, aura.Config{}, nil, "Secrets[1] (AURA_AUTH_SECRET)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, test.env...)
			test.config.Logger = slog.New(slog.DiscardHandler)
			auth, err := aura.New(test.config)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), s1) {
					t.Fatalf("New: %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []aura.Secret{s1, s2, s3} {
				want := false
				for _, o := range test.opens {
					want = want || o == secret
				}
				if got := opens(t, auth, secret, testSalt); got != want {
					t.Errorf("opens a session under secret %q: %v, want %v", string(secret)[:2], got, want)
				}
			}
		})
	}
}

// Provider credentials: the same three forms, and the bare one after them.
func TestEnvironmentProvider(t *testing.T) {
	for _, test := range []struct {
		name   string
		id     string
		env    []string
		client string // "id:secret" at the token endpoint
		fails  string
	}{
		{"prefixed", "gh", []string{"AURA_AUTH_GH_CLIENT_ID=a", "AURA_AUTH_GH_CLIENT_SECRET=b"}, "a:b", ""},
		{"shorter prefix", "gh", []string{"AURA_GH_CLIENT_ID=a", "AUTH_GH_CLIENT_SECRET=b"}, "a:b", ""},
		{"bare", "gh", []string{"GH_CLIENT_ID= a ", "GH_CLIENT_SECRET=b"}, "a:b", ""},
		{"order", "gh", []string{"GH_CLIENT_ID=4", "AUTH_GH_CLIENT_ID=3", "AURA_GH_CLIENT_ID=2", "AURA_AUTH_GH_CLIENT_ID=1", "GH_CLIENT_SECRET=z", "AUTH_GH_CLIENT_SECRET=y"}, "1:y", ""},
		{"empty but defined", "gh", []string{"AURA_AUTH_GH_CLIENT_ID=", "GH_CLIENT_ID=a", "GH_CLIENT_SECRET=b"}, "", "AURA_AUTH_GH_CLIENT_ID"},
		{"empty secret", "gh", []string{"GH_CLIENT_ID=a", "AURA_GH_CLIENT_SECRET=", "GH_CLIENT_SECRET=b"}, "", "AURA_AUTH_GH_CLIENT_SECRET"},
		{"id with other characters", "my-idp_2", []string{"AURA_AUTH_MY_IDP_2_CLIENT_ID=a", "MY_IDP_2_CLIENT_SECRET=b"}, "a:b", ""},
		{"click-up", "click-up", []string{"AURA_AUTH_CLICK_UP_CLIENT_ID=a", "CLICK_UP_CLIENT_SECRET=b"}, "a:b", ""},
		{"click-up as clickUp", "click-up", []string{"AURA_AUTH_CLICKUP_CLIENT_ID=a", "CLICKUP_CLIENT_SECRET=b"}, "a:b", ""},
		{"click-up before clickUp", "click-up", []string{"CLICK_UP_CLIENT_ID=1", "AURA_AUTH_CLICKUP_CLIENT_ID=2", "AUTH_CLICK_UP_CLIENT_SECRET=y", "AURA_AUTH_CLICKUP_CLIENT_SECRET=z"}, "1:y", ""},
		{"click-up, empty but defined", "click-up", []string{"CLICK_UP_CLIENT_ID=", "CLICKUP_CLIENT_ID=a", "CLICKUP_CLIENT_SECRET=b"}, "", "AURA_AUTH_CLICK_UP_CLIENT_ID"},
		{"no other id loses its hyphens", "my-idp", []string{"MYIDP_CLIENT_ID=a", "MYIDP_CLIENT_SECRET=b"}, "", "AURA_AUTH_MY_IDP_CLIENT_ID"},
		{"names of other libraries", "gh", []string{"GH_ID=a", "GH_SECRET=b"}, "", "AURA_AUTH_GH_CLIENT_ID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setEnv(t, test.env...)
			out := &memoryIDP{subject: "u-1"}
			cfg := goodConfig()
			cfg.HTTPClient = &http.Client{Transport: out}
			cfg.Providers[0].ID, cfg.Providers[0].ClientID, cfg.Providers[0].ClientSecret, cfg.Providers[0].AuthMethod = test.id, "", "", "client_secret_basic"
			auth, err := aura.New(cfg)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Fatalf("New: %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !cfg.Providers[0].Configured() {
				t.Error("Configured is false")
			}
			s := &site{t: t, auth: auth}
			s.url = s.serve(auth)
			g := s.guest()
			start := g.get("/auth/signIn/" + test.id)
			if r := g.get(callback(t, start.header.Get("Location"))); r.status != http.StatusFound {
				t.Fatalf("callback: status %d\n%s", r.status, r.body)
			}
			id, secret, _ := strings.Cut(test.client, ":")
			want := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
			if seen, _ := out.asked(); !strings.Contains(seen, want) {
				t.Errorf("the token endpoint did not see %s as credentials", test.client)
			}
		})
	}
	t.Run("Config wins", func(t *testing.T) {
		setEnv(t, "AURA_AUTH_GH_CLIENT_ID=a", "AURA_AUTH_GH_CLIENT_SECRET=b")
		s := newSite(t, nil)
		if l := s.guest().get("/auth/signIn/gh").header.Get("Location"); !strings.Contains(l, "client_id=gh-client") {
			t.Errorf("Location: %s", l)
		}
	})
	t.Run("Configured", func(t *testing.T) {
		setEnv(t)
		if (aura.Provider{ID: "gh"}).Configured() || !(aura.Provider{ID: "gh", ClientID: "x"}).Configured() {
			t.Error("Configured does not follow ClientID")
		}
	})
}

// The rest of the table: what each variable does, seen from outside.
func TestEnvironmentOrigins(t *testing.T) {
	newAuth := func(t *testing.T, change func(*aura.Config)) *aura.Auth {
		t.Helper()
		cfg := goodConfig()
		if change != nil {
			change(&cfg)
		}
		auth, err := aura.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return auth
	}
	status := func(auth *aura.Auth, host, peer string, header ...string) int {
		r := httptest.NewRequest("GET", "http://x/auth/csrfToken", nil)
		r.Host, r.RemoteAddr = host, peer
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		auth.ServeHTTP(w, r)
		return w.Code
	}
	for _, prefix := range []string{"AURA_AUTH_", "AURA_", "AUTH_"} {
		t.Run(prefix, func(t *testing.T) {
			setEnv(t, prefix+"BASE_URL=https://app.example", prefix+"TRUSTED_ORIGINS=https://a.example, https://b.example;https://*.c.example\nhttps://d.example")
			auth := newAuth(t, nil)
			for target, want := range map[string]string{
				"https://app.example/x": "/x", "https://a.example/x": "https://a.example/x", "https://b.example/x": "https://b.example/x",
				"https://q.c.example/": "https://q.c.example/", "https://d.example/": "https://d.example/", "https://e.example/": "/",
			} {
				if got := auth.SafeRedirect(target); got != want {
					t.Errorf("SafeRedirect(%q) = %q, want %q", target, got, want)
				}
			}
			auth = newAuth(t, func(c *aura.Config) {
				c.BaseURL, c.TrustedOrigins = "https://own.example", []string{"https://own2.example"}
			})
			for target, want := range map[string]string{
				"https://own.example/x": "/x", "https://own2.example/": "https://own2.example/", "https://app.example/x": "/", "https://a.example/": "/",
			} {
				if got := auth.SafeRedirect(target); got != want {
					t.Errorf("with Config: SafeRedirect(%q) = %q, want %q", target, got, want)
				}
			}

			setEnv(t, prefix+"TRUSTED_HOSTS=a.example, b.example:8443", prefix+"TRUSTED_PROXIES=10.0.0.0/8 , 192.0.2.7/32")
			auth = newAuth(t, nil)
			https := []string{"X-Forwarded-Proto", "https"}
			for _, row := range []struct {
				host, peer string
				want       int
			}{
				{"a.example", "10.1.2.3:9", 200}, {"a.example", "192.0.2.7:9", 200}, {"a.example", "192.0.2.8:9", 421},
				{"b.example:8443", "10.1.2.3:9", 200}, {"b.example", "10.1.2.3:9", 421}, {"c.example", "10.1.2.3:9", 421},
				{"localhost:3000", "192.0.2.8:9", 200},
			} {
				if got := status(auth, row.host, row.peer, https...); got != row.want {
					t.Errorf("Host %s from %s: status %d, want %d", row.host, row.peer, got, row.want)
				}
			}
		})
	}
	t.Run("bare names are not read", func(t *testing.T) {
		setEnv(t, "BASE_URL=https://app.example", "TRUSTED_HOSTS=a.example", "TRUSTED_ORIGINS=https://a.example", "AUTH_TRUST_HOST=true")
		auth := newAuth(t, nil)
		if got := auth.SafeRedirect("https://app.example/x"); got != "/" {
			t.Errorf("BASE_URL was read: %q", got)
		}
		if got := status(auth, "a.example", "127.0.0.1:9"); got != http.StatusMisdirectedRequest {
			t.Errorf("TRUSTED_HOSTS was read: status %d", got)
		}
	})
	t.Run("BASE_URL of a slash is none", func(t *testing.T) {
		setEnv(t, "AURA_AUTH_BASE_URL=/")
		newAuth(t, nil)
	})
	for value, fails := range map[string]bool{"true": true, "1": true, "YES": true, "On": true, "debug": true, "false": false, "0": false, "": false, "maybe": false} {
		t.Run("TRUSTED_PROXY_HEADERS="+value, func(t *testing.T) {
			setEnv(t, "AURA_AUTH_TRUSTED_PROXY_HEADERS="+value)
			_, err := aura.New(goodConfig())
			if (err != nil) != fails {
				t.Fatalf("New: %v", err)
			}
			for _, want := range []string{"AURA_AUTH_TRUSTED_PROXY_HEADERS", "AURA_AUTH_TRUSTED_PROXIES", "CIDR"} {
				if fails && !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q: %v", want, err)
				}
			}
			setEnv(t, "AURA_AUTH_TRUSTED_PROXY_HEADERS="+value, "AURA_AUTH_TRUSTED_PROXIES=10.0.0.0/8")
			newAuth(t, nil)
		})
	}
	t.Run("TRUSTED_PROXIES that are none", func(t *testing.T) {
		setEnv(t, "AURA_TRUSTED_PROXIES=proxy.example,10.0.0.0/8,10.0.0.1")
		_, err := aura.New(goodConfig())
		for _, want := range []string{"AURA_TRUSTED_PROXIES", `"proxy.example"`, `"10.0.0.1"`, "CIDR"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the message lacks %q: %v", want, err)
			}
		}
	})
}

// The log level of the environment holds where no Logger is given.
func TestEnvironmentLogger(t *testing.T) {
	for _, test := range []struct {
		env         []string
		debug, warn bool // does standard error get records of these levels
	}{
		{[]string{"AURA_AUTH_DEBUG=1"}, true, true},
		{[]string{"AURA_LOG_LEVEL=debug"}, true, true},
		{[]string{"AUTH_LOG_LEVEL=WARN"}, false, true},
		{[]string{"AURA_AUTH_LOG_LEVEL=error"}, false, false},
		{[]string{"AURA_AUTH_DEBUG=0", "AURA_AUTH_LOG_LEVEL=warn"}, false, true},
		{[]string{"DEBUG=1", "LOG_LEVEL=debug"}, false, false}, // slog.Default, silenced below
	} {
		t.Run(strings.Join(test.env, " "), func(t *testing.T) {
			setEnv(t, test.env...)
			stderr, standard := os.Stderr, slog.Default()
			defer func() { os.Stderr = stderr; slog.SetDefault(standard) }()
			slog.SetDefault(slog.New(slog.DiscardHandler))
			file, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			os.Stderr = file
			cfg := goodConfig()
			cfg.Logger = nil
			auth, err := aura.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"/auth/nowhere", "/auth/callback/gh"} { // 404 is logged at debug, 400 at warn
				auth.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost"+path, nil))
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			log, err := io.ReadAll(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(string(log), string(aura.CodeNotFound)); got != test.debug {
				t.Errorf("debug records: %v, want %v\n%s", got, test.debug, log)
			}
			if got := strings.Contains(string(log), string(aura.CodeStateInvalid)); got != test.warn {
				t.Errorf("warnings: %v, want %v\n%s", got, test.warn, log)
			}
		})
	}
}
