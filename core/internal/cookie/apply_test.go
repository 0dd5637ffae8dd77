package cookie

import (
	"net/http"
	"reflect"
	"testing"
)

func TestApply(t *testing.T) {
	tests := []struct {
		name           string
		dst, src, want http.Header
	}{
		{"nothing", http.Header{"X": {"1"}}, nil, http.Header{"X": {"1"}}},
		{"empty values add no header", http.Header{}, http.Header{"Set-Cookie": nil, "Vary": {""}}, http.Header{}},
		{"CK-07 replaced by name", http.Header{"Set-Cookie": {"s=renewed; Path=/", "app=1"}}, http.Header{"Set-Cookie": {"s=; Max-Age=0", "c=2"}}, http.Header{"Set-Cookie": {"app=1", "s=; Max-Age=0", "c=2"}}},
		{"CK-07 twice in src: the last", http.Header{}, http.Header{"Set-Cookie": {"s=1", "s=2"}}, http.Header{"Set-Cookie": {"s=2"}}},
		{"names are exact", http.Header{"Set-Cookie": {"S=1", "s.x=1", "ss=1", "x=s=1"}}, http.Header{"Set-Cookie": {"s=2"}}, http.Header{"Set-Cookie": {"S=1", "s.x=1", "ss=1", "x=s=1", "s=2"}}},
		{"split, then signed out", http.Header{"Set-Cookie": {"s=; Path=/; Max-Age=0; x", "s.0=a", "s.1=b", "t.0=c"}}, http.Header{"Set-Cookie": {"s=; Path=/; Max-Age=0; y"}}, http.Header{"Set-Cookie": {"t.0=c", "s=; Path=/; Max-Age=0; y"}}},
		{"whole, then split", http.Header{"Set-Cookie": {"s=a", "s.7=; Path=/; Max-Age=0; x"}}, http.Header{"Set-Cookie": {"s.0=b", "s.1=c"}}, http.Header{"Set-Cookie": {"s.7=; Path=/; Max-Age=0; x", "s.0=b", "s.1=c"}}},
		{"providers with numbers for ids", http.Header{"Set-Cookie": {"a.access_token.1=x", "a.access_token.2.0=y"}}, http.Header{"Set-Cookie": {"a.access_token.2=z"}}, http.Header{"Set-Cookie": {"a.access_token.1=x", "a.access_token.2=z"}}},
		{"split, then whole", http.Header{"Set-Cookie": {"s.0=a", "s.1=b"}}, http.Header{"Set-Cookie": {"s=c"}}, http.Header{"Set-Cookie": {"s=c"}}},
		{"CK-10 Vary merged", http.Header{"Vary": {"Accept-Encoding, cookie", "Origin"}}, http.Header{"Vary": {"Cookie, Accept"}}, http.Header{"Vary": {"Accept-Encoding, cookie, Origin, Accept"}}},
		{"CK-10 others set", http.Header{"Cache-Control": {"public"}}, http.Header{"Cache-Control": {"no-store"}}, http.Header{"Cache-Control": {"no-store"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := tt.src.Clone()
			Apply(tt.dst, tt.src)
			if !reflect.DeepEqual(tt.dst, tt.want) {
				t.Errorf("\n got %q\nwant %q", tt.dst, tt.want)
			}
			if !reflect.DeepEqual(tt.src, src) {
				t.Errorf("src changed to %q", tt.src)
			}
		})
	}
	src := http.Header{"X": {"1"}, "Set-Cookie": {"s=1"}}
	dst := http.Header{}
	Apply(dst, src)
	dst["X"][0], dst["Set-Cookie"][0] = "evil", "evil"
	if src.Get("X") == "evil" || src.Get("Set-Cookie") == "evil" {
		t.Error("dst shares memory with src")
	}
}
