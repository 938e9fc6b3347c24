// What the kubelet runs in a container to ask a program that listens on a port of its own: where Pods share the network of their machine
// no manifest can name it. The program has written it to /tmp/port. Static and small, as it runs every second in each of many Pods.
package main

import (
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	port, err := os.ReadFile("/tmp/port")
	if err != nil {
		os.Exit(1)
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://127.0.0.1:" + strings.TrimSpace(string(port)) + os.Args[1])
	if err != nil || response.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}
