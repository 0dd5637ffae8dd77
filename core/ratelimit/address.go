package ratelimit

import (
	"net/netip"
)

// Address is how to name a client by its address in a key: an IPv4 address
// whole, an IPv6 address by its /64, which is the least that anyone is given; to
// change the lower half costs nothing. One client has one spelling: IPv4 in IPv6
// (::ffff:192.0.2.7) is IPv4, and a zone is dropped.
//
// Who holds a /48 still has 65,536 names. A limit by address slows one customer
// of a network down; what must not be guessed needs a limit of its own.
//
// It is empty for the zero Addr: there is no address. [Take] refuses an empty
// key, and a key that is the same for all such requests lets one of them lock
// the others out, so the caller has to decide what to limit them by.
func Address(addr netip.Addr) string {
	if !addr.IsValid() {
		return ""
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	b := addr.As16()
	// RFC 6052 §2.1 and RFC 7755: a translator in front of a server without IPv4
	// shows all of the IPv4 Internet inside this one /64. The prefix is not
	// routed, so nobody but that translator can send from it.
	if [12]byte(b[:12]) == [12]byte{0x00, 0x64, 0xff, 0x9b} {
		return netip.AddrFrom4([4]byte(b[12:])).String()
	}
	clear(b[8:])
	return netip.PrefixFrom(netip.AddrFrom16(b), 64).String()
}
