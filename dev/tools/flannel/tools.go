//go:build tools

// Package tools names the program that is built from this module: flanneld.
package tools

import _ "github.com/flannel-io/flannel"
