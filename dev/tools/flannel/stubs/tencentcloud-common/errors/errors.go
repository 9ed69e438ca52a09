// Package errors stands in for the vendor's package of the same path: the error type that flannel tests for.
package errors

// TencentCloudSDKError is never made here: the client of the stub fails with a plain error.
type TencentCloudSDKError struct{}

// Error satisfies the error interface.
func (*TencentCloudSDKError) Error() string { return "tencent-vpc: backend not built in" }
