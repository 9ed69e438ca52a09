//go:build tools

// Package tools names the program that is built from this module: the kubeadm of the tutorial's own cluster.
package tools

import _ "k8s.io/kubernetes/cmd/kubeadm"
