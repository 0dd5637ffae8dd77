package password

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Defaults and floor of argon2id are those of the OWASP Password Storage Cheat
// Sheet, whose five equivalent settings run from 46 MiB × 1 to 7 MiB × 5; the
// product of the last is the smallest. RFC 9106 §4 recommends more (64 MiB,
// t=3) to whoever can spare it.
const (
	defaultMemory      = 19 << 10 // KiB
	defaultTime        = 2
	defaultParallelism = 1
	defaultMaxWait     = time.Second

	leastMemory = 7 << 10         // KiB
	leastCost   = 5 * leastMemory // KiB: memory × time
	mostSlots   = 1 << 12         // far above any number of processors
)

const outOfBounds = "%s: %d is out of bounds; want %d to %d, or 0 for the default"

// A Hasher hashes and verifies passwords. Its zero value is ready and safe. It
// may be used by many goroutines at once, must not be copied after its first
// use, and reads its fields at the first use only. One Hasher should serve a
// whole process: the limits are per Hasher.
type Hasher struct {
	// Memory in KiB for each hash, 7,168 (7 MiB) to 262,144. Default: 19,456
	// (19 MiB). Raise it as far as MaxConcurrent × Memory fits the process.
	// Memory × Time must be at least 35,840 (the OWASP minimum) and at most
	// 1,048,576.
	Memory uint32

	// Time is the number of passes over that memory, 1 to 64. Default: 2. Raise it
	// when Memory cannot be raised.
	Time uint32

	// Parallelism is the number of lanes, each a thread of its own, 1 to 16.
	// Default: 1, which suits servers: the processors are shared by requests.
	Parallelism uint8

	// MaxConcurrent is how many hashes are computed at the same time. Default:
	// GOMAXPROCS, which follows a container's limit. Lower it to keep processors
	// free for other requests while passwords are being guessed.
	MaxConcurrent int

	// MaxWait is how long a call waits for its turn before it fails with ErrBusy.
	// Default: 1 s. The context can end it earlier.
	MaxWait time.Duration

	once  sync.Once
	ready *setup
	err   error // of Validate, at the first use

	// onHash observes each hash from within its slot, before the work. Tests count
	// with it, and hold it up.
	onHash func(record)
}

// setup is what a Hasher makes of its fields at the first use.
type setup struct {
	params argon2id // without salt and key
	gate   *gate
	decoy  string
}

// Validate reports every field that is out of bounds. Hash and Verify fail with
// the same error, so calling it at start-up only brings it forward.
func (h *Hasher) Validate() error {
	_, err := h.setup()
	return err
}

// Hash returns a new hash of the password as a PHC string,
// $argon2id$v=19$m=…,t=…,p=…$salt$hash, about 100 characters of ASCII. Its errors
// are ErrTooLong, ErrBusy, those of the context (which ends the waiting, not a
// hash that has begun) and those of Validate.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	s, err := h.setup()
	if err != nil {
		return "", err
	}
	if len(password) > MaxLength {
		return "", ErrTooLong
	}
	if err := s.gate.enter(ctx); err != nil {
		return "", err
	}
	defer s.gate.leave()

	made := s.params.salted()
	h.observe(made)
	made.key = made.derive(password, argon2idKey)
	return made.String(), nil
}

// Verify reports whether hash is a hash of the password. ok is the answer;
// renew is set only beside ok, and asks the caller to store the result of Hash
// in the place of hash, because that has another format or weaker parameters
// than the Hasher's.
//
// An empty hash stands for a user that does not exist. It is verified against a
// decoy with the Hasher's own parameters and never ok, so that it is neither
// by its time nor by its answer told from a wrong password.
//
// With an error nothing is known about the password, and ok is false: never
// answer it with "wrong password", except ErrTooLong, which no stored password
// can be. Besides the errors of Hash there is ErrMalformedHash.
func (h *Hasher) Verify(ctx context.Context, password, hash string) (ok, renew bool, err error) {
	s, err := h.setup()
	if err != nil {
		return false, false, err
	}
	if len(password) > MaxLength {
		return false, false, ErrTooLong
	}
	known := hash != ""
	if !known {
		hash = s.decoy
	}
	stored, err := parse(hash)
	if err != nil {
		return false, false, err
	}
	if err := s.gate.enter(ctx); err != nil {
		return false, false, err
	}
	defer s.gate.leave()

	h.observe(stored)
	matched, err := stored.matches(password)
	if err != nil {
		return false, false, fmt.Errorf("password: hashing: %w", err)
	}
	ok = matched && known
	return ok, ok && stored.weakerThan(s.params), nil
}

func (h *Hasher) observe(r record) {
	if h.onHash != nil {
		h.onHash(r)
	}
}

// setup is made once, so that a change of the fields afterwards is neither a race
// nor a gate of another size.
func (h *Hasher) setup() (*setup, error) {
	h.once.Do(func() { h.ready, h.err = h.prepare() })
	return h.ready, h.err
}

func (h *Hasher) prepare() (*setup, error) {
	params := argon2id{
		memory:      cmp.Or(h.Memory, defaultMemory),
		time:        cmp.Or(h.Time, defaultTime),
		parallelism: cmp.Or(h.Parallelism, defaultParallelism),
	}
	slots, wait := cmp.Or(h.MaxConcurrent, runtime.GOMAXPROCS(0)), cmp.Or(h.MaxWait, defaultMaxWait)
	if err := errors.Join(checkParams(params), checkLimits(slots, wait)); err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	// No password is behind it: a random key costs no hash, so that the first
	// unknown user after a start takes no longer than the others.
	decoy := params.salted()
	decoy.key = random(argon2idKey)
	return &setup{params: params, gate: newGate(slots, wait), decoy: decoy.String()}, nil
}

func checkParams(p argon2id) error {
	var errs []error
	if p.memory < leastMemory || p.memory > argon2idMaxMemory {
		errs = append(errs, fmt.Errorf(outOfBounds, "Memory", p.memory, leastMemory, argon2idMaxMemory))
	}
	if p.time > argon2idMaxTime {
		errs = append(errs, fmt.Errorf(outOfBounds, "Time", p.time, 1, argon2idMaxTime))
	}
	if p.parallelism > argon2idMaxParallelism {
		errs = append(errs, fmt.Errorf(outOfBounds, "Parallelism", p.parallelism, 1, argon2idMaxParallelism))
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if cost := p.memory * p.time; cost < leastCost || cost > argon2idMaxCost {
		return fmt.Errorf("Memory × Time: %d is out of bounds; want %d to %d", cost, leastCost, argon2idMaxCost)
	}
	return nil
}

func checkLimits(slots int, wait time.Duration) error {
	var errs []error
	if slots < 1 || slots > mostSlots {
		errs = append(errs, fmt.Errorf(outOfBounds, "MaxConcurrent", slots, 1, mostSlots))
	}
	if wait < 0 {
		errs = append(errs, errors.New("MaxWait: is negative; want a duration, or 0 for the default"))
	}
	return errors.Join(errs...)
}
