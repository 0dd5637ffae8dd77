// Package password hashes passwords and verifies them.
//
// A Hasher writes argon2id (RFC 9106) and also verifies what other software
// left in a table of users: bcrypt, and the PBKDF2 format of the TypeScript
// library. Verify says when a hash should be renewed, so that old ones
// disappear as their owners sign in.
//
// # A sign-in
//
//	ok, renew, err := hasher.Verify(ctx, password, user.Hash) // "" for an unknown user
//	switch {
//	case errors.Is(err, password.ErrTooLong):
//		// nobody has such a password: the answer of a wrong one
//	case err != nil:
//		// not known whether the password is right: 503, try again later
//	case !ok:
//		// unknown user or wrong password: one answer for both
//	case renew:
//		// hasher.Hash(ctx, password), and store the result if it succeeds
//	}
//
// Call Verify for an unknown user too, with an empty hash: it spends the time
// of a hash and says no. An early return would tell which accounts exist.
//
// # Limits of equal time
//
// An unknown user costs what a hash of the Hasher's own parameters costs. Hashes
// with other parameters, or of another format, cost something else, and as long
// as a table holds some, time tells their owners from unknown users. Renewal
// shortens that period; resetting the passwords that remain ends it.
//
// # Passwords are bytes
//
// Every byte of a password counts, up to MaxLength of them; nothing is
// trimmed, folded or normalised. NFC or NFKC would let one password typed on two
// systems match in more cases, but the hashes that exist were made without it,
// a second implementation of the same table (the TypeScript library's, say)
// would have to follow it exactly, and the tables of Unicode change. Browsers
// send what was typed; an application that wants RFC 8265 prepares the string
// before both Hash and Verify. encoding/json turns invalid UTF-8 into U+FFFD, so
// callers should refuse that before decoding if they let users choose bytes.
//
// NUL bytes are kept by argon2id. bcrypt repeats its key with a NUL after each
// round, and HMAC pads the key of PBKDF2 with NULs, so that there "a" and other
// strings with NULs are one key: bcrypt hashes never match a password with a NUL
// in it, PBKDF2 hashes none that ends in one. Neither do bcrypt hashes match a
// password over 72 bytes, of which bcrypt would ignore the rest. Each of these
// refusals is the answer of a wrong password and takes its time.
//
// Which passwords are good enough (an empty one is hashed like any other) is for
// the validation of a sign-up.
package password
