// A replica that elects its leader with client-go, as a Go service would: the other party in mixed fleets, and the one to compare with.
// It prints the same JSON lines as the replicas of this package (see ../fleet/replica-lines.ts).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type line struct {
	Kind   string  `json:"kind"`
	T      float64 `json:"t"`
	Until  float64 `json:"until,omitempty"`
	Leader bool    `json:"leader"`
	Token  string  `json:"token,omitempty"`
	Holder string  `json:"holder,omitempty"`
}

var output sync.Mutex

func say(l line) {
	output.Lock()
	defer output.Unlock()
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
}

// Milliseconds of CLOCK_MONOTONIC, which every process of the machine shares; time.Now() keeps its own to itself.
func now() float64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return float64(ts.Sec)*1e3 + float64(ts.Nsec)/1e6
}

func main() {
	kubeconfig := flag.String("kubeconfig", os.Getenv("KUBECONFIG"), "path of a kubeconfig")
	lease := flag.String("lease", "", "name of the Lease")
	namespace := flag.String("namespace", "default", "namespace of the Lease")
	identity := flag.String("identity", "", "identity of this replica")
	leaseDuration := flag.Duration("lease-duration", 15*time.Second, "")
	renewDeadline := flag.Duration("renew-deadline", 10*time.Second, "")
	retryPeriod := flag.Duration("retry-period", 2*time.Second, "")
	sampleEvery := flag.Duration("sample-every", 5*time.Millisecond, "how often to say who leads; 0: never")
	release := flag.Bool("release-on-cancel", true, "whether to release the lease at SIGTERM")
	flag.Parse()

	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	// What leaderelection's own NewFromKubeconfig sets.
	config.Timeout = max(time.Second, *renewDeadline/2)
	config.UserAgent = "go-replica"
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Name: *lease, Namespace: *namespace},
		Client:     kubernetes.NewForConfigOrDie(config).CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
	}

	// The term whose callbacks are between started and stopped; 0 for none. Work that follows the callbacks runs exactly then.
	var leading atomic.Int64
	var terms atomic.Int64
	token := func(term int64) string { return fmt.Sprintf("%s/%d", *identity, term) }
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:            lock,
		Name:            *lease,
		LeaseDuration:   *leaseDuration,
		RenewDeadline:   *renewDeadline,
		RetryPeriod:     *retryPeriod,
		ReleaseOnCancel: *release,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) {
				term := terms.Add(1)
				leading.Store(term)
				say(line{Kind: "admitted", T: now(), Token: token(term)})
			},
			OnStoppedLeading: func() { leading.Store(0) },
			OnNewLeader:      func(holder string) { say(line{Kind: "holder", T: now(), Holder: holder}) },
		},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go dieWhenTold()
	if *sampleEvery > 0 {
		go sample(*sampleEvery, &leading, token)
	}
	say(line{Kind: "ready", T: now()})
	// Run returns whenever leadership is lost; most programs exit then and are restarted, this one stands again.
	for ctx.Err() == nil {
		elector.Run(ctx)
	}
	say(line{Kind: "stopped", T: now()})
}

// Ways to die that cannot be brought about from outside, each by a signal: SIGHUP panics, SIGUSR1 exits, SIGUSR2 takes all memory.
func dieWhenTold() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	switch <-told {
	case syscall.SIGHUP:
		panic("told to")
	case syscall.SIGUSR1:
		os.Exit(1)
	case syscall.SIGUSR2:
		for kept := [][]byte{}; ; {
			block := make([]byte, 16<<20)
			// Memory that nobody has written to is not there yet.
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			kept = append(kept, block)
		}
	}
}

func sample(every time.Duration, leading *atomic.Int64, token func(int64) string) {
	said := false
	for range time.Tick(every) {
		before := now()
		term := leading.Load()
		after := now()
		if term != 0 {
			say(line{Kind: "sample", T: before, Until: after, Leader: true, Token: token(term)})
		} else if said {
			say(line{Kind: "sample", T: before, Until: after})
		}
		said = term != 0
	}
}
