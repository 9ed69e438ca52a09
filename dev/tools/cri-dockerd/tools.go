//go:build tools

// Package tools names the program that is built from this module: what stands between Docker Engine and a kubelet.
package tools

import _ "github.com/Mirantis/cri-dockerd"
