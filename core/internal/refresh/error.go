package refresh

import "errors"

// errPanic is what everybody gets who waited for a call that panicked.
var errPanic = errors.New("refresh: the call panicked")
