package aura

import (
	"context"
	"errors"
	"time"
)

// A Store keeps small records for all processes of an application. core writes
// opaque keys, of at most 200 bytes of printable ASCII, and values of at most
// 64 KiB; what they mean is not the store's business. Package storetest is this
// contract as a test, package memstore the smallest implementation.
//
// Methods are safe for concurrent use and end when their context does. An error
// other than those named here says that the store cannot be reached or did not
// answer: core then answers 503 and changes nothing. A record that has expired
// is not there any more, whether or not it has been removed yet, by the clock
// that the store was given.
type Store interface {
	// Get returns those of the records that are there, in any order, at least
	// as new as when Get was called. Keys without a record are not an error.
	Get(ctx context.Context, keys ...string) ([]Record, error)
	// Put writes a record, durably before it returns. Record.Version says what
	// must be there before: 0 nothing, ErrConflict otherwise; a version that Get
	// has returned: the record at that version, ErrConflict otherwise;
	// AnyVersion: whatever is there is replaced. The comparison and the write
	// are one step.
	Put(ctx context.Context, r Record) error
	// Take removes a record and returns it, as one step: of any number of calls
	// for one key, one gets the record and the others ErrNotFound.
	Take(ctx context.Context, key string) (Record, error)
	// List returns the records of a group, in any order.
	List(ctx context.Context, group string) ([]Record, error)
}

// A Record is one thing that a Store keeps.
type Record struct {
	Key     string
	Group   string    // "", or what List finds it by; at most 200 bytes. Put does not change it
	Value   []byte    //
	Version int64     // 1 when Put has made the record, and one more with each Put
	Expires time.Time // whole seconds; always set
}

// AnyVersion as a Record's Version makes Put replace whatever is there.
const AnyVersion int64 = -1

var (
	// ErrConflict says that a Store holds another version than Put was told.
	ErrConflict = errors.New("aura: the store holds another version of the record")
	// ErrNotFound says that a Store holds no record to take.
	ErrNotFound = errors.New("aura: the store holds no such record")
)
