package memstore_test

import (
	"fmt"
	"testing"
	"time"

	aura "github.com/aura-stack-go/auth/core"
	"github.com/aura-stack-go/auth/core/memstore"
	"github.com/aura-stack-go/auth/core/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Subject {
		clock := storetest.NewClock()
		return storetest.Subject{Store: memstore.New(clock.Now), Now: clock.Now, Pass: clock.Pass}
	})
}

// What has expired goes, though nobody asks for it.
func TestBounded(t *testing.T) {
	clock := storetest.NewClock()
	s := memstore.New(clock.Now)
	for i := range 200_000 {
		clock.Pass(time.Second)
		err := s.Put(t.Context(), aura.Record{Key: fmt.Sprint(i), Group: fmt.Sprint("g", i), Expires: clock.Now().Add(500 * time.Second)})
		if err != nil {
			t.Fatal(err)
		}
	}
	if records, groups := s.Held(); records > 2048 || groups > 2048 {
		t.Errorf("%d records and %d groups are held for 500 live ones", records, groups)
	}
}
