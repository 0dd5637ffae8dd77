package devidp

import (
	"encoding/json"
	"maps"
	"net/http"
)

// Answer is what an endpoint is about to send, in the hands of a fault.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// reply is an endpoint's decision: a finished answer, or a JSON object that
// faults may still change before it is encoded.
type reply struct {
	Answer
	object map[string]any
}

func (a reply) send(w http.ResponseWriter, c *call) {
	if a.object != nil {
		a.encode(c)
	}
	for _, f := range c.faults {
		if f.Rewrite != nil {
			f.Rewrite(&a.Answer)
		}
	}
	for _, f := range c.faults {
		if f.send != nil {
			f.send(w, c.Request, a.Answer)
			return
		}
	}
	a.start(w)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(a.Body)
}

// encode writes the object. Only a success is changed by faults: a test that
// spoils a token's claims still wants to read why a request was refused.
func (a *reply) encode(c *call) {
	for _, f := range c.faults {
		if f.JSON != nil && a.Status < 300 {
			f.JSON(a.object)
		}
	}
	body, err := json.Marshal(a.object)
	if err != nil {
		// Only a fault or User.Claims can hold what JSON cannot.
		a.Status, body = http.StatusInternalServerError, []byte(`{"error":"server_error","error_description":"a claim or a fault holds a value that JSON cannot encode"}`)
	}
	a.Body = body
}

func (a Answer) start(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
}

// header sets what every answer carries. Tokens, codes and pages are never
// stored (RFC 6749 §5.1); what may be cached says so itself.
func header(contentType string) http.Header {
	h := http.Header{}
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	return h
}

func objectReply(status int, object map[string]any) reply {
	return reply{Answer: Answer{Status: status, Header: header("application/json")}, object: object}
}

// cacheable is for the two public documents.
func cacheable(a reply) reply {
	a.Header.Del("Pragma")
	a.Header.Set("Cache-Control", "public, max-age=300")
	return a
}

// oauthError is RFC 6749 §5.2.
func oauthError(status int, code, description string) reply {
	return objectReply(status, map[string]any{"error": code, "error_description": description})
}

func redirectReply(location string) reply {
	h := header("text/plain; charset=utf-8")
	h.Set("Location", location)
	// 303: the browser must come back by GET, not re-post the choice of a user.
	return reply{Answer: Answer{Status: http.StatusSeeOther, Header: h}}
}

func emptyReply(status int) reply {
	h := header("")
	h.Del("Content-Type")
	return reply{Answer: Answer{Status: status, Header: h}}
}
