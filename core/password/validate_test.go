package password

import (
	"reflect"
	"regexp"
	"testing"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		hasher *Hasher
		want   []string // fields that the error names
	}{
		{"zero value", &Hasher{}, nil},
		{"least memory", &Hasher{Memory: 7168, Time: 5}, nil},
		{"OWASP's first", &Hasher{Memory: 47104, Time: 1}, nil},
		{"RFC 9106's second", &Hasher{Memory: 65536, Time: 3, Parallelism: 4}, nil},
		{"most", &Hasher{Memory: 262144, Time: 4, Parallelism: 16, MaxConcurrent: 4096}, nil},
		{"too little memory", &Hasher{Memory: 7167, Time: 64}, []string{"Memory:"}},
		{"too much memory", &Hasher{Memory: 262145}, []string{"Memory:"}},
		{"too cheap", &Hasher{Memory: 7168, Time: 4}, []string{"Memory × Time:"}},
		{"one pass too few", &Hasher{Time: 1}, []string{"Memory × Time:"}},
		{"too dear", &Hasher{Memory: 262144, Time: 5}, []string{"Memory × Time:"}},
		{"everything", &Hasher{Memory: 1, Time: 65, Parallelism: 17, MaxConcurrent: -1, MaxWait: -1},
			[]string{"Memory:", "Time:", "Parallelism:", "MaxConcurrent:", "MaxWait:"}},
		{"too many slots", &Hasher{MaxConcurrent: 4097}, []string{"MaxConcurrent:"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.hasher.Validate()
			if tt.want == nil {
				if err != nil {
					t.Errorf("Validate = %v; want nil", err)
				}
				return
			}
			if err == nil {
				t.Fatalf("Validate = nil; want an error about %v", tt.want)
			}
			if got := regexp.MustCompile(`(?m)[A-Z]\w+( × \w+)?:`).FindAllString(err.Error(), -1); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Validate = %v; it names %v, want %v", err, got, tt.want)
			}
			if _, hashErr := tt.hasher.Hash(t.Context(), "a"); hashErr == nil || hashErr.Error() != err.Error() {
				t.Errorf("Hash = %v; want %v", hashErr, err)
			}
			if ok, _, verifyErr := tt.hasher.Verify(t.Context(), "a", argon2idOf("a")); ok || verifyErr == nil {
				t.Errorf("Verify = %v, %v; want the error of Validate", ok, verifyErr)
			}
		})
	}
}
