package memstore

// Held returns how many records and groups are in memory, expired or not.
func (s *Store) Held() (records, groups int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.records), len(s.groups)
}
