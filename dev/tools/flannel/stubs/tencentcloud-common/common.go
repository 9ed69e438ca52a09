// Package common stands in for the vendor's package of the same path: the pointer helpers that flannel calls.
package common

// BoolPtr returns a pointer to value.
func BoolPtr(value bool) *bool { return new(value) }

// StringPtr returns a pointer to value.
func StringPtr(value string) *string { return new(value) }

// StringPtrs returns a pointer to each of values, in their order.
func StringPtrs(values []string) []*string {
	pointers := make([]*string, len(values))
	for i, value := range values {
		pointers[i] = StringPtr(value)
	}
	return pointers
}
