package devidp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// tooLong is longer than any deadline that a client should have.
const tooLong = time.Minute

// transportFaults are the ways of every endpoint that a client itself asks.
func transportFaults() []Fault {
	var faults []Fault
	for _, e := range []Endpoint{Discovery, JWKS, Token, UserInfo} {
		faults = append(faults,
			Status(e, 500), Status(e, 429), Status(e, 400),
			HTML(e), InvalidJSON(e), TruncatedJSON(e), EmptyBody(e), WrongType(e),
			Redirect(e, http.StatusTemporaryRedirect, ""), Reset(e),
			Delay(e, tooLong), Stall(e), Drip(e, time.Second), Huge(e, 64<<20), GzipBomb(e, 64<<20),
		)
	}
	return faults
}

// outage may be survived at userinfo: the ID token has said who it is.
func outage(e Endpoint, way, about string) Fault {
	f := Fault{Name: string(e) + "/" + way, About: fmt.Sprintf("The %s endpoint %s.", e, about), Verdict: Refuse, Endpoint: e}
	if e == UserInfo {
		f.Verdict = Either
	}
	return f
}

// Status answers with it instead of doing anything; no code is used up.
func Status(e Endpoint, code int) Fault {
	f := outage(e, fmt.Sprint("status-", code), fmt.Sprintf("answers %d", code))
	f.Hijack = status(code)
	return f
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		failure := oauthError(code, "server_error", http.StatusText(code))
		if code == http.StatusBadRequest {
			failure = oauthError(code, "invalid_grant", "a fault wants it so")
		}
		if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
			failure.Header.Set("Retry-After", "30")
		}
		failure.send(w, &call{Request: r})
		return true
	}
}

// Redirect sends the client elsewhere with this status (307 repeats a POST, secret
// and all). With to "" it leads to an honest copy of the endpoint (discovery, JWKS,
// token and userinfo have one), so that a client which follows signs in and shows
// in Counts.Trap.
func Redirect(e Endpoint, code int, to string) Fault {
	f := outage(e, fmt.Sprint("redirect-", code), fmt.Sprintf("redirects with %d", code))
	if e == Discovery || e == JWKS {
		f.Verdict = Either // public documents, read without credentials
	} else {
		f.Verdict = Refuse // the secret or the token would go along
	}
	if to == "" {
		to = trapOf(e)
	}
	f.Hijack = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Location", to)
		w.WriteHeader(code)
		return true
	}
	return f
}

// trapOf is relative to the endpoint, whatever the issuer's path.
func trapOf(e Endpoint) string {
	switch e {
	case Discovery:
		return "../trap/discovery"
	case Refresh:
		return "trap/token"
	default:
		return "trap/" + string(e)
	}
}

// Reset closes the connection without an answer, by RST where TCP allows.
func Reset(e Endpoint) Fault {
	f := outage(e, "reset", "resets the connection")
	f.Hijack = func(w http.ResponseWriter, _ *http.Request) bool {
		cutOff(w)
		return true
	}
	return f
}

// cutOff ends the connection in the middle, so that nothing can be taken for a
// complete answer.
func cutOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the documented way to drop an HTTP/2 stream
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Delay lets every request wait, and answers honestly then.
func Delay(e Endpoint, d time.Duration) Fault {
	f := outage(e, "delay", fmt.Sprintf("answers after %s", d))
	f.Slow = true
	f.Hijack = func(w http.ResponseWriter, r *http.Request) bool {
		if wait(r, d) {
			return false
		}
		cutOff(w)
		return true
	}
	return f
}

// Stall sends status and headers, and then nothing more.
func Stall(e Endpoint) Fault {
	f := outage(e, "stall", "sends headers and stalls")
	f.Slow = true
	f.send = func(w http.ResponseWriter, r *http.Request, a Answer) {
		a.start(w)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		cutOff(w)
	}
	return f
}

// Drip sends one byte at a time.
func Drip(e Endpoint, every time.Duration) Fault {
	f := outage(e, "drip", fmt.Sprintf("sends one byte every %s", every))
	f.Slow = true
	f.send = func(w http.ResponseWriter, r *http.Request, a Answer) {
		a.start(w)
		for i := range a.Body {
			_, err := w.Write(a.Body[i : i+1])
			if err != nil || http.NewResponseController(w).Flush() != nil || !wait(r, every) {
				cutOff(w)
				return
			}
		}
	}
	return f
}

// Huge pads the honest JSON to more than size bytes: whoever reads all of it
// succeeds, so that only a limit ends in a refusal.
func Huge(e Endpoint, size int64) Fault {
	f := outage(e, "huge", fmt.Sprintf("answers with valid JSON of more than %d bytes", size))
	f.Verdict = Refuse
	f.send = func(w http.ResponseWriter, _ *http.Request, a Answer) {
		a.start(w)
		_ = pad(w, a.Body, size)
	}
	return f
}

// GzipBomb is Huge, compressed to a thousandth.
func GzipBomb(e Endpoint, size int64) Fault {
	f := outage(e, "gzip-bomb", fmt.Sprintf("answers with compressed JSON that unfolds to more than %d bytes", size))
	f.Verdict = Refuse
	f.send = func(w http.ResponseWriter, _ *http.Request, a Answer) {
		a.Header.Set("Content-Encoding", "gzip")
		a.start(w)
		z := gzip.NewWriter(w)
		if pad(z, a.Body, size) == nil {
			_ = z.Close()
		}
	}
	return f
}

// pad writes the object with a first member of size bytes. It ends when the
// client closes the connection, at the next write.
func pad(w io.Writer, object []byte, size int64) error {
	if _, err := io.WriteString(w, `{"padding":"`); err != nil {
		return err
	}
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	for left := size; left > 0; left -= int64(len(chunk)) {
		if _, err := w.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, `",%s`, bytes.TrimPrefix(object, []byte("{")))
	return err
}

// wait reports whether the time passed before the request's end.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
