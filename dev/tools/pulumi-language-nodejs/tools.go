//go:build tools

// Package tools names the program that is built from this module: Pulumi's language host for Node.js.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs"
