//go:build tools

// Package tools names the program that is built from this module: the Pulumi CLI.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
